"""Metrics: how busy an instance is, or the instances of a layer or a stack together (chapter 08 § 7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from toque_server.domain.measuring import MINUTE, MOST_POINTS, Point, Summary, points, step_for
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.operations.times import check_order, moment
from toque_server.store import instances, metrics

_USUAL: Final = timedelta(hours=1)
_LONGEST_STEP: Final = 7 * 24 * 3600
_MOST_SAMPLES: Final = 100_000


class DescribeMetrics(Request, frozen=True, kw_only=True):
    """Of one instance, of a layer or of a stack: exactly one of them.

    `names`: which of the sixteen figures, all when not given. `since` is included, `until` is not (ISO 8601); the last
    hour when not given. `resolution_seconds` is a multiple of 60, the step of the answer; the smallest that makes no
    more than 1,440 points when not given.
    """

    stack_id: str | None = None
    layer_id: str | None = None
    instance_id: str | None = None
    names: list[str] | None = None
    since: str | None = None
    until: str | None = None
    resolution_seconds: int | None = None


class MetricView(Result, frozen=True, kw_only=True):
    """One figure: a value for each of the answer's `times`. `unit` is `Percent`, `Kilobytes`, `Count` or `None`."""

    name: str
    unit: str
    average: list[float]
    minimum: list[float]
    maximum: list[float]


class MetricsDescribed(Result, frozen=True, kw_only=True):
    """`times`: where each step begins; steps without a sample are left out. `samples`: how many each one has.

    `instances`: how many instances were asked for.
    """

    since: datetime
    until: datetime
    resolution_seconds: int
    instances: int
    times: list[datetime]
    samples: list[int]
    metrics: list[MetricView]


@operation(
    permission=Permission.SHOW,
    target=TOQUE,
    stack=finding.one_of(stack_id="stack", layer_id="layer", instance_id="instance"),
    raises=(ValidationException, ResourceNotFoundException),
)
def describe_metrics(ctx: Context, req: DescribeMetrics) -> MetricsDescribed:
    """Describe CPU, memory, load and processes over time, step by step: average, minimum and maximum.

    Of a layer or a stack these are of all samples of its present instances together. Agents send one sample a minute,
    and that is what is kept: there is no finer resolution, and a coarser one is reckoned from it.
    """
    names = _names(req.names)
    since, until = _span(ctx, req)
    first, end = int(since.timestamp()) // MINUTE, -(-int(until.timestamp()) // MINUTE)
    step = _step(req.resolution_seconds, end - first)
    ids = _instances(ctx, req)
    _check_size(ctx, ids, first, end)
    summary, wanted = Summary(step), [metrics.NAMES.index(each) for each in names]
    summary.add(metrics.between(ctx.conn, ids, first, end, wanted))
    found = list(summary.points())
    return MetricsDescribed(
        since=since,
        until=until,
        resolution_seconds=step,
        instances=len(ids),
        times=[datetime.fromtimestamp(each.minute * MINUTE, UTC) for each in found],
        samples=[each.samples for each in found],
        metrics=[_view(name, place, found) for place, name in enumerate(names)],
    )


def _names(wanted: Sequence[str] | None) -> list[str]:
    for name in wanted or ():
        if name not in metrics.NAMES:
            raise ValidationException(
                f"Names has {name[:40]!r}: please use some of {', '.join(metrics.NAMES)}", field="Names"
            )
    return list(dict.fromkeys(wanted or metrics.NAMES))


def _span(ctx: Context, req: DescribeMetrics) -> tuple[datetime, datetime]:
    until = moment(req.until, "Until") or ctx.now
    since = moment(req.since, "Since")
    if since is None:
        try:
            since = until - _USUAL
        except OverflowError:
            raise ValidationException(f"Until {req.until!r} is too long ago", field="Until") from None
    check_order(since, until)
    return since, until


def _step(wanted: int | None, minutes: int) -> int:
    """Raises ValidationException for a step that will not do, or that makes too many points."""
    step = step_for(minutes) if wanted is None else wanted
    if step % MINUTE or not MINUTE <= step <= _LONGEST_STEP:
        raise ValidationException(
            f"ResolutionSeconds must be a multiple of {MINUTE}, at most {_LONGEST_STEP}, not {step}",
            field="ResolutionSeconds",
        )
    if (count := points(minutes, step)) > MOST_POINTS:
        longest = timedelta(seconds=step * MOST_POINTS)
        raise ValidationException(
            f"Since to Until is {count} steps of {step} seconds, and an answer has {MOST_POINTS}: please ask for"
            f" at most {longest}, or for a coarser ResolutionSeconds",
            field="Since" if wanted is None else "ResolutionSeconds",
        )
    return step


def _instances(ctx: Context, req: DescribeMetrics) -> list[str]:
    if req.instance_id is not None:
        return [req.instance_id]
    if req.layer_id is not None:
        return [each.id for each in instances.of_layer(ctx.conn, req.layer_id)]
    assert req.stack_id is not None
    return [each.id for each in instances.of_stack(ctx.conn, req.stack_id)]


def _check_size(ctx: Context, ids: Sequence[str], first: int, end: int) -> None:
    count = metrics.count(ctx.conn, ids, first, end)
    if count > _MOST_SAMPLES:
        raise ValidationException(
            f"Since to Until has {count} samples of {len(ids)} instances, and {_MOST_SAMPLES} are read at once: please"
            f" ask for about {(end - first) * _MOST_SAMPLES // count} minutes, for a layer, or for an instance",
            field="Since",
        )


def _view(name: str, place: int, found: Sequence[Point]) -> MetricView:
    return MetricView(
        name=name,
        unit=_unit(name),
        average=[round(each.average[place], 3) for each in found],
        minimum=[round(each.minimum[place], 3) for each in found],
        maximum=[round(each.maximum[place], 3) for each in found],
    )


def _unit(name: str) -> str:
    kind = name.partition("_")[0]
    return {"cpu": "Percent", "memory": "Kilobytes", "procs": "Count"}.get(kind, "None")
