"""What happens in a run, for functions that want to hear of it; none of them can fail the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

from toque.core.errors import BadProperty, did_you_mean
from toque.core.run import current_run

if TYPE_CHECKING:
    from toque.core.resource import Resource


@dataclass(frozen=True)
class RunStarted:
    """The run begins; who asks later hears of it at once."""

    name: ClassVar[str] = "run.started"


@dataclass(frozen=True)
class ResourceChanged:
    """`resource` was brought to its state; its `outcome`, `diff` and `tags` tell more."""

    name: ClassVar[str] = "resource.changed"
    resource: Resource[Any]


@dataclass(frozen=True)
class ResourceFailed:
    """`resource` could not be brought to its state, because of `error`; also when that is ignored."""

    name: ClassVar[str] = "resource.failed"
    resource: Resource[Any]
    error: Exception


@dataclass(frozen=True)
class RunFinished:
    """The run is over, with its exit code, the first line of what went wrong, and how many resources of each kind."""

    name: ClassVar[str] = "run.finished"
    exit_code: int
    reason: str
    counts: Mapping[str, int]


Event = RunStarted | ResourceChanged | ResourceFailed | RunFinished
Name = Literal["run.started", "resource.changed", "resource.failed", "run.finished"]
_NAMES = tuple(kind.name for kind in (RunStarted, ResourceChanged, ResourceFailed, RunFinished))


@overload
def on_event(event: Literal["run.started"], function: Callable[[RunStarted], object]) -> None: ...
@overload
def on_event(event: Literal["resource.changed"], function: Callable[[ResourceChanged], object]) -> None: ...
@overload
def on_event(event: Literal["resource.failed"], function: Callable[[ResourceFailed], object]) -> None: ...
@overload
def on_event(event: Literal["run.finished"], function: Callable[[RunFinished], object]) -> None: ...
def on_event(event: Name, function: Callable[[Any], object]) -> None:
    """Call a function when something happens in this run, from this line on.

    event     "run.started" (called at once), "resource.changed", "resource.failed" or "run.finished"
    function  gets the event: of a resource `event.resource`, and `event.error` of a failure; of the end
              `event.exit_code`, `event.reason` and `event.counts`

    What it raises is a warning and never fails the run. In a plan nothing happens, so nothing is called. Everything is
    in `report.jsonl` as well.

        on_event("resource.changed", lambda event: log(f"{event.resource} on {node.hostname}"))
        file("/etc/motd", content="hello\\n")
    """
    if event not in _NAMES:
        raise BadProperty(f"on_event has no event {event!r}{did_you_mean(str(event), _NAMES)}")
    if not callable(function):
        raise BadProperty(f"on_event needs a function that takes the event, got {type(function).__name__}")
    run = current_run("on_event")
    if event == RunStarted.name:
        tell(run, RunStarted(), function)
    else:
        run.handlers.setdefault(event, []).append(function)


def tell(run: Any, event: Event, function: Callable[[Any], object]) -> None:
    """Call one function; what goes wrong in it is told, and goes no further."""
    if run.dry_run:
        return
    try:
        function(event)
    except Exception as error:  # noqa: BLE001 (around one handler: a report must not decide how a run ends)
        who = getattr(function, "__qualname__", repr(function))
        run.report.warn(f"{who} failed at {event.name}: {type(error).__name__}: {error}")
