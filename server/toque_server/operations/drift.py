"""Drift: how often somebody else changed what recipes ask for, and which resources never come to rest."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

from toque_server.domain import flapping
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Result, operation
from toque_server.store import commands, instances, service_errors

_MOST_DAYS = 90
_MOST_RUNS = 20_000


class DescribeDrift(Paged, frozen=True, kw_only=True):
    """Of the instances of a stack, at most 1,000 on a page, or of one; over the last `days`, 1 to 90, else 7."""

    largest: ClassVar[int] = 1000

    stack_id: str | None = None
    instance_id: str | None = None
    days: int | None = None


class DriftView(Result, frozen=True, kw_only=True):
    """Of the runs that ended in that time (`runs`): how many resources changed because something else was asked for
    (`intended`), and how many were put right (`drift_corrected`), most lately at `last_drift_at`. `flapping` are those
    that change in every run now."""

    instance_id: str
    hostname: str
    runs: int
    intended: int
    drift_corrected: int
    last_drift_at: datetime | None
    flapping: tuple[str, ...]


class DriftDescribed(Result, frozen=True, kw_only=True):
    drift: list[DriftView]
    next_token: str | None


@operation(
    permission=Permission.SHOW,
    target=TOQUE,
    stack=finding.one_of(stack_id="stack", instance_id="instance"),
    raises=(ValidationException, ResourceNotFoundException),
)
def describe_drift(ctx: Context, req: DescribeDrift) -> DriftDescribed:
    """Describe how many changes of runs were intended, how many put right what others changed, and what flaps.

    Counted are the newest 20,000 runs of that time, as far as they are kept.
    """
    days = 7 if req.days is None else req.days
    if not 1 <= days <= _MOST_DAYS:
        raise ValidationException(f"Days must be 1 to {_MOST_DAYS}, not {days}", field="Days")
    if req.instance_id is not None:
        found = [finding.instance(ctx, req.instance_id)]
        stack_id = found[0].stack_id
    else:
        assert req.stack_id is not None
        stack_id, found = req.stack_id, instances.of_stack(ctx.conn, req.stack_id)
    runs: dict[str, list[tuple[datetime, commands.Told]]] = {}
    since = ctx.now - timedelta(days=days)
    for id, at, told in commands.told_since(ctx.conn, stack_id, since, instance_id=req.instance_id, limit=_MOST_RUNS):
        runs.setdefault(id, []).append((at, told))
    restless = service_errors.flapping(ctx.conn, stack_id, req.instance_id)
    shown, token = page(ctx, req, found, key=lambda each: each.id)
    return DriftDescribed(
        drift=[
            DriftView(
                instance_id=each.id,
                hostname=each.hostname,
                runs=len(own),
                intended=sum(told.causes.intended for _, told in own),
                drift_corrected=sum(told.causes.drift_corrected for _, told in own),
                last_drift_at=next((at for at, told in own if told.causes.drift_corrected), None),
                flapping=tuple(map(flapping.name, restless.get(each.id, ()))),
            )
            for each in shown
            for own in [runs.get(each.id, [])]
        ],
        next_token=token,
    )
