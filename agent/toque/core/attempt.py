"""How one resource is converged within a run: its guards, its retries, and what a dry run cannot tell of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from toque.core.errors import ToqueError
from toque.core.resource import Guard, Outcome, Resource, converge, outputs_of, within_limits

if TYPE_CHECKING:
    from toque.core.run import Run


class NotYet(ToqueError):
    """A resource is in its state, and its `retry_until` still says no."""


def attempt(run: Run, resource: Resource[Any], outcome: Outcome) -> None:
    """Look, change where needed, and note in `outcome` what came of it; what fails for good is raised."""
    if resource.only_if is not None or resource.not_if is not None:
        reason = _guarded(run, resource)
        if reason:
            outcome.status, outcome.reason = "skipped", reason
            return
    before = _before(run, resource) if resource.notify_before else None
    for left in range(resource.retries, -1, -1):
        try:
            change = converge(resource, run.host, dry_run=run.dry_run, before=before)
            if run.dry_run and change is not None and before is not None:
                before()
            outcome.change = change or outcome.change
            if resource.retry_until is not None and not run.dry_run and not resource.retry_until(resource):
                raise NotYet(f"retry_until says no after {resource.retries + 1 - left} of {resource.retries + 1} tries")
            break
        except (ToqueError, OSError) as error:
            if run.dry_run and run.report.would_change:
                outcome.status, outcome.reason = "unknown", f"cannot be told before the changes above: {error}"
                return
            if left == 0:
                raise
            run.report.note(f"{resource}: {error}; trying again in {resource.retry_delay:g} s")
            run.sleep(resource.retry_delay)
    if outcome.change is not None:
        outcome.status = "would-change" if run.dry_run else "changed"
    if names := outputs_of(type(resource)):
        outcome.outputs = {name: getattr(resource, name) for name in names}


def _before(run: Run, resource: Resource[Any]) -> Callable[[], None]:
    """Take the actions of `notify_before`, the first time it is called."""
    left = list(resource.notify_before)

    def take() -> None:
        while left:
            run.act(left[0], f"before {resource} changes")
            left.pop(0)

    return take


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
