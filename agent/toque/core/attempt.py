"""How one resource is converged within a run: its guards, its retries, and what a dry run cannot tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from toque.core.errors import ToqueError
from toque.core.options import within_limits
from toque.core.resource import Change, Guard, Outcome, Resource, converge

if TYPE_CHECKING:
    from toque.core.planned import Planned
    from toque.core.run import Run


class NotYet(ToqueError):
    """A resource is in its state, and its `retry_until` still says no."""


def attempt(run: Run, resource: Resource[Any], outcome: Outcome) -> None:
    """Look, change where needed, and note in `outcome` what came of it; what fails for good is raised."""
    if run.plan is not None:
        rehearse(run, run.plan, resource, outcome)
        return
    if resource.only_if is not None or resource.not_if is not None:
        reason = _guarded(run, resource)
        if reason:
            outcome.status, outcome.reason = "skipped", reason
            return
    if (resource.word in run.only_recorded or run.confirm is not None) and _left_alone(run, resource, outcome):
        return
    before = Before(run, resource)
    for left in range(resource.retries, -1, -1):
        try:
            if run.memory is not None:
                outcome.asked = _asked(resource)
            change = converge(resource, run.host, before=before)
            outcome.change = change or outcome.change
            if resource.retry_until is not None and not resource.retry_until(resource):
                raise NotYet(f"retry_until says no after {resource.retries + 1 - left} of {resource.retries + 1} tries")
            break
        except (ToqueError, OSError) as error:
            if left == 0:
                before.take_back()
                raise
            run.report.note(f"{resource}: {error}; trying again in {resource.retry_delay:g} s")
            run.sleep(resource.retry_delay)
    if outcome.change is not None:
        outcome.status = "changed"
    if names := outputs_of(type(resource)):
        outcome.outputs = {name: getattr(resource, name) for name in names}


def _left_alone(run: Run, resource: Resource[Any], outcome: Outcome) -> bool:
    """Whether a resource is only looked at: this run records its word only, or who was asked does not want it."""
    change = converge(resource, run.host, dry_run=True)
    if resource.word in run.only_recorded:
        if change is not None:
            outcome.status, outcome.change, outcome.reason = "would-change", change, run.only_recorded[resource.word]
        return True
    answer = "yes" if change is None or run.confirm is None else run.confirm(resource, change)
    if answer == "yes":
        return False
    outcome.status, outcome.reason = "skipped", "you said no" if answer == "no" else "you quit"
    run.quits = answer == "quit"
    return True


def rehearse(run: Run, plan: Planned, resource: Resource[Any], outcome: Outcome) -> None:
    """Three answers: it would change, it is right, or it cannot be told, because of lines above that would change."""
    from toque.core.planned import Unforeseen, foretell

    change: Change[Any] | None = None
    reason = _poison(run, resource)
    try:
        if not reason:
            skipped = _guarded(run, resource)
            if skipped:
                outcome.status, outcome.reason = "skipped", skipped
                return
            if run.memory is not None:
                outcome.asked = _asked(resource)
            change = converge(resource, run.host, dry_run=True)
            reason = resource.unsure(plan) if change is not None else ""
    except Unforeseen as error:
        reason = str(error)
    except (ToqueError, OSError) as error:
        if not run.planned:
            raise
        said = str(error).partition("\n")[0]
        reason = f"{_related(run.planned, resource, str(error))} above would come first: {said}"
    if not reason and change is None:
        outcome.outputs = {name: getattr(resource, name) for name in outputs_of(type(resource))}
        return
    outcome.status, outcome.reason = ("unknown", reason) if reason else ("would-change", "")
    outcome.change = None if reason else change
    _foretell_outputs(run, resource, outcome)
    foretell(plan, resource, outcome.change)
    if not reason:
        run.planned.append(resource)
        for action in resource.notify_before:
            run.act(action, f"before {resource} changes")


def _poison(run: Run, resource: Resource[Any]) -> str:
    """Why a resource cannot be told that was given an output which is known only after apply."""
    from toque.core.unknown import Unknown, unknowns_in

    if not run.unknown_outputs:
        return ""
    values = [value for name, value in vars(resource).items() if name != "outcome"]
    given = [value.of for value in values if isinstance(value, Unknown)]
    if given or any(map(unknowns_in, values)):
        return f"{', '.join(given or run.unknown_outputs)} is known after apply"
    return ""


def _foretell_outputs(run: Run, resource: Resource[Any], outcome: Outcome) -> None:
    from toque.core.unknown import Unknown

    for name in outputs_of(type(resource)):
        if name not in resource.known_before:
            run.unknown_outputs.append(f"{resource}.{name}")
            object.__setattr__(resource, name, Unknown(f"{resource}.{name}"))
    outcome.outputs = {name: getattr(resource, name) for name in outputs_of(type(resource))}


def _related(planned: Sequence[Resource[Any]], resource: Resource[Any], error: str) -> str:
    """The lines of the plan that an error may come from: those it speaks of, else the last one."""
    said = f"{error} {resource.identity()}"
    near = [str(each) for each in planned if each.identity().rpartition("/")[2] in said]
    return ", ".join(near[-3:] or [str(planned[-1])])


def _asked(resource: Resource[Any]) -> Any:
    """What its line asks for, whatever is there: the state; of what can only say that of a file, its properties."""
    if type(resource).wanted is Resource.wanted:
        return resource.desired()
    engine = {f.name for f in fields(Resource)}
    return [getattr(resource, f.name) for f in fields(resource) if f.compare and f.init and f.name not in engine]


class Before:
    """What happens right before a resource is changed, once however often that is tried: the ledger learns of it, and
    the actions of `notify_before` are taken."""

    __slots__ = ("_left", "_marked", "_resource", "_run")

    def __init__(self, run: Run, resource: Resource[Any]) -> None:
        self._run, self._resource = run, resource
        self._marked = False
        self._left = list(resource.notify_before) if resource.notify_before else None

    def __call__(self) -> bool:
        """Whether something was done that may have changed the resource itself."""
        if not self._marked:
            self._run.ledger.changed(str(self._resource))
            self._marked = True
        if not self._left:
            return False
        while self._left:
            self._run.act(self._left[0], f"before {self._resource} changes")
            self._left.pop(0)
        return True

    def take_back(self) -> None:
        """The change failed for good: nobody has to react to it."""
        if self._marked:
            self._run.ledger.unchanged(str(self._resource))


def _guarded(run: Run, resource: Resource[Any]) -> str:
    """Why a guard keeps the resource from being looked at; empty when none does."""
    if resource.only_if is not None and not _holds(run, resource, resource.only_if):
        return "only_if says no"
    if resource.not_if is not None and _holds(run, resource, resource.not_if):
        return "not_if says yes"
    return ""


def _holds(run: Run, resource: Resource[Any], guard: Guard) -> bool:
    if callable(guard):
        return bool(guard())
    return within_limits(resource, run.host).run(guard, ok=range(256)).code == 0


def outputs_of(kind: type[Resource[Any]]) -> tuple[str, ...]:
    """The fields that a resource fills itself: no property, and none of the engine's."""
    names = _OUTPUTS.get(kind)
    if names is None:
        engine = {f.name for f in fields(Resource)}
        found = (f.name for f in fields(kind) if not f.init and f.name not in engine and f.name[0] != "_")
        names = _OUTPUTS[kind] = tuple(found)
    return names


_OUTPUTS: dict[type, tuple[str, ...]] = {}
