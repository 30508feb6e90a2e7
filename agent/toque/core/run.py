"""One execution of recipes on this machine: declares, converges, notifies and counts.

word ──▶ Run.declare ──▶ guards ──▶ converge (retries) ──▶ reactions (`restart_on`) ──▶ notifications ──▶ report
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from toque.core.attempt import attempt
from toque.core.boots import Boots, RestartNow
from toque.core.errors import BadProperty, NoRun, RunFailed, ToqueError
from toque.core.host import Host
from toque.core.ledger import Debt, Ledger, Undeliverable
from toque.core.report import Report
from toque.core.resource import Action, Change, Outcome, Resource
from toque.core.source import Source, declared_at

if TYPE_CHECKING:
    from toque.core.events import Event
    from toque.core.memory import Memory
    from toque.core.planned import Planned

R = TypeVar("R", bound=Resource[Any])
Answer = Literal["yes", "no", "quit"]

_current: list[Run] = []


def current_run(word: str = "this word") -> Run:
    """The run that is going on in this process; raises NoRun, in the name of the word that needs one."""
    if not _current:
        raise NoRun(word)
    return _current[-1]


class Quit(RunFailed):
    """Whoever is asked at each change wants no more of this run."""


class ResourceFailed(ToqueError):
    """A resource could not be brought to its state. Passes through the recipe and ends the run, unless caught there."""

    def __init__(self, subject: str, source: Source, cause: Exception) -> None:
        self.subject, self.source, self.cause = subject, source, cause
        super().__init__(subject, source, cause)

    def __str__(self) -> str:
        return f"{self.subject} failed: {self.cause}"


_POLICIES = ("drop", "keep", "run")
"""What becomes of an action that was put off when the run fails; of several that asked for it, the later here rules."""


@dataclass
class PutOff:
    """An action that waits for the end of the run."""

    action: Action
    on_failure: str


class Run:
    """The state of one run. `host` is the machine, `dry_run` looks only, `report` gets every outcome.

    with Run(LocalHost()) as run:
        file("/etc/motd", content="hello\\n")
    run.report.counts
    """

    def __init__(
        self,
        host: Host,
        *,
        dry_run: bool = False,
        report: Report | None = None,
        ledger: Ledger | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.host, self.dry_run = host, dry_run
        self.plan: Planned | None = None
        """What the lines so far would have made, in a dry run; its `host` sees it."""
        if dry_run:
            from toque.core.planned import planned

            self.host, self.plan = planned(host)
        self.planned: list[Resource[Any]] = []
        """What would change so far, in a dry run."""
        self.unknown_outputs: list[str] = []
        """Outputs that this plan handed out without knowing them."""
        self.report = report or Report()
        self.ledger = ledger or Ledger()
        self.memory = memory
        self.recipe = ""
        self.world: Any = None
        self.releases: dict[str, str] = {}
        """What was deployed: app → revision. Filled by `app_release`."""
        self.reboot = ""
        """Why the machine is to be restarted after this run; empty when nothing asked for it."""
        self.boots = Boots()
        """Restarts in the middle of this run."""
        self.more_to_come = False
        """Whether another phase follows: until the last one, what an earlier run owed stays on disk."""
        self.delivers: Callable[[Debt], bool] = lambda debt: not self.more_to_come
        """Whether this phase does what an earlier run owed: the last one that has the debt's cookbook."""
        self.confirm: Callable[[Resource[Any], Change[Any]], Answer] | None = None
        """Asked before each change, where somebody wants to be: `yes`, `no` or `quit`."""
        self.quits = False
        self.only_recorded: Mapping[str, str] = {}
        """Words that this run looks at and does not apply, each with the reason: on a clone, what is the kernel's."""
        self._pending: dict[str, PutOff] = {}
        self._failed_in: dict[int, str] = {}
        self.declared: list[Resource[Any]] = []
        """Every resource of this run, also those that failed."""
        self._declared: dict[str, Resource[Any]] = {}
        self.handlers: dict[str, list[Callable[[Any], object]]] = {}
        """Who wants to hear of what happens, by the name of the event."""
        self.sleep: Callable[[float], None] = time.sleep

    def __enter__(self) -> Run:
        _current.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self.finish()
            elif issubclass(kind, Exception | SystemExit) and not self.dry_run:
                self._give_up()
        finally:
            # What was put off and not done stands in the ledger; nothing else may do it in the name of this phase.
            self._pending.clear()
            _current.remove(self)

    @contextmanager
    def inside(self, recipe: str) -> Iterator[None]:
        """What is declared meanwhile belongs to this recipe."""
        outer, self.recipe = self.recipe, recipe
        try:
            yield
        except BaseException as error:
            self._failed_in.setdefault(id(error), recipe)
            raise
        finally:
            self.recipe = outer

    def recipe_of(self, error: BaseException) -> str:
        """The recipe in which an error came up, the innermost when one includes another."""
        return self._failed_in.get(id(error), "")

    def declare(self, kind: Callable[..., R], args: Sequence[Any], kwargs: Mapping[str, Any]) -> R:
        """Make a resource of what its word was given, and converge it."""
        from toque.core.properties import make

        source = declared_at()
        try:
            resource = make(kind, args, kwargs)
        except BadProperty as error:
            word: str = kind.word  # type: ignore[attr-defined]
            self.report.failed(self.recipe, word, _first(args), source, error)
            raise ResourceFailed(f"{word}[{_first(args)}]", source, error) from error
        _set(resource, "source_line", source)
        self.converge(resource)
        return resource

    def converge(self, resource: Resource[Any]) -> Outcome:
        """Bring one resource to its state, tell the report, and let others react."""
        outcome = Outcome()
        self.declared.append(resource)
        _set(resource, "outcome", outcome)
        if self.report.begins is not None:
            self.report.begins(resource)
        began = time.perf_counter()
        try:
            attempt(self, resource, outcome)
        except Exception as error:  # noqa: BLE001 (one of the four homes: around one resource)
            outcome.duration = time.perf_counter() - began
            self._failed(resource, outcome, error)
            return outcome
        outcome.duration = time.perf_counter() - began
        self._declared[str(resource)] = resource
        if self.memory is not None and outcome.status in ("changed", "would-change", "unchanged"):
            changed = outcome.change is not None
            outcome.cause, outcome.flapping = self.memory.note(str(resource), outcome.asked, changed=changed)
            outcome.asked = None
        self.report.outcome(self.recipe, resource, outcome)
        if outcome.change is not None:
            if self.handlers:
                from toque.core.events import ResourceChanged

                self.tell(ResourceChanged(resource))
            self._notify(resource)
        elif outcome.status == "unknown":
            for action in (*resource.notify, *resource.notify_now):
                self._might(action, resource)
        elif self.ledger.carries_any and outcome.status == "unchanged":
            self._notify(resource)
        if self.boots.restarting:
            raise RestartNow(self.boots.restarting)
        if self.quits:
            raise Quit("you quit: nothing after this line was done")
        self._react(resource)
        return outcome

    def act(self, action: Action, because: str = "") -> None:
        """Take an action now; a dry run only says so."""
        began = time.perf_counter()
        if not self.dry_run:
            try:
                action(self.host)
            except Exception as error:
                source = action.resource.source_line
                self.report.failed(self.recipe, action.resource.word, action.resource.identity(), source, error)
                raise ResourceFailed(str(action), source, error) from error
            self.ledger.delivered(str(action))
        self.report.acted(self.recipe, action, because, self.dry_run, time.perf_counter() - began)

    def tell(self, event: Event) -> None:
        """Tell everybody who wants to hear of it. What they do themselves is no event."""
        from toque.core.events import tell

        handlers, self.handlers = self.handlers, {}
        for function in handlers.get(event.name, ()):
            tell(self, event, function)
        self.handlers = handlers

    def request_reboot(self, reason: str) -> None:
        """Have the machine restarted after this run, should it succeed; the first reason stands."""
        self.report.note(f"{'would ask' if self.dry_run else 'asks'} for a reboot: {reason}")
        if not self.dry_run:
            self.reboot = self.reboot or reason or "no reason given"

    def tell_later(self, cause: Resource[Any], action: Action) -> None:
        """Put an action off to the end of the run, if `cause` changed, now or in a run that did not get this far."""
        policy = cause.on_failure
        if not (cause.changed or (policy != "drop" and self.ledger.carries(str(cause), str(action)))):
            return
        put_off = self._pending.setdefault(str(action), PutOff(action, policy))
        put_off.on_failure = max(put_off.on_failure, policy, key=_POLICIES.index)
        if not self.dry_run and policy != "drop":
            self.ledger.owes(Debt.of(action))

    def finish(self) -> None:
        """Deliver what was put off; at the end of the last phase that can also what earlier runs still owed."""
        while self._pending:
            put_off = self._pending.pop(next(iter(self._pending)))
            self.act(put_off.action, "put off to the end of the run")
        for debt in list(self.ledger.debts.values()):
            if self.delivers(debt):
                self._deliver(debt)
        if not self.more_to_come and not self.dry_run:
            self.ledger.clear(self._declared)

    def _deliver(self, debt: Debt) -> None:
        resource = self._declared.get(f"{debt.word}[{debt.name}]")
        if resource is None and not debt.whole:
            return  # it had a secret: the next run that declares it can
        try:
            self.act(getattr(resource or debt.remade(), debt.action), "owed by an earlier run")
        except Undeliverable as error:
            self.report.warn(str(error))
            if not self.dry_run:
                self.ledger.delivered(debt.key)

    def _give_up(self) -> None:
        """The run failed: of what was put off, do what `on_failure="run"` says; "keep" stands in the ledger."""
        for put_off in self._pending.values():
            if put_off.on_failure == "run":
                try:
                    self.act(put_off.action, "put off, and taken although the run failed")
                except ResourceFailed as error:
                    self.report.note(str(error))
            elif put_off.on_failure == "drop":
                self.report.note(f"{put_off.action.resource}: no {put_off.action.name}, as the run failed")

    def _failed(self, resource: Resource[Any], outcome: Outcome, error: Exception) -> None:
        outcome.status, outcome.reason = ("ignored" if resource.ignore_failure else "failed"), str(error)
        self.report.outcome(self.recipe, resource, outcome)
        if self.handlers:
            from toque.core import events

            self.tell(events.ResourceFailed(resource, error))
        if not resource.ignore_failure:
            raise ResourceFailed(str(resource), resource.source_line, error) from error

    def _notify(self, resource: Resource[Any]) -> None:
        """Now, or because a run that changed it did not get this far."""
        for action in resource.notify:
            self.tell_later(resource, action)
        for action in resource.notify_now:
            if resource.changed or self.ledger.carries(str(resource), str(action)):
                self.act(action, f"{resource} changed")

    def _might(self, action: Action, cause: Resource[Any]) -> None:
        self.report.note(f"{action.resource} might {action.name}: {cause} is unknown")

    def _react(self, resource: Resource[Any]) -> None:
        """`restart_on=[conf]`: take the action when one of those changed now, or in a run that did not get this far."""
        for name in reactions(type(resource)):
            action: Action = getattr(resource, name)
            causes = [
                str(cause)
                for cause in getattr(resource, f"{name}_on")
                if cause.changed or self.ledger.carries(str(cause), str(action))
            ]
            if not causes:
                for cause in getattr(resource, f"{name}_on") if self.dry_run else ():
                    if cause.outcome is not None and cause.outcome.status == "unknown":
                        self._might(action, cause)
                continue
            change: Change[Any] | None = resource.outcome.change if resource.outcome else None
            if not resource.has_done(name, change):
                self.act(action, f"{', '.join(causes)} changed")
            if name == "restart":
                return


def reactions(kind: type[Resource[Any]]) -> tuple[str, ...]:
    """The actions for which a resource has a property `…_on`, restart first."""
    known = _REACTIONS.get(kind)
    if known is None:
        names = [f.name.removesuffix("_on") for f in fields(kind) if f.name.endswith("_on")]
        known = _REACTIONS[kind] = tuple(sorted((n for n in names if hasattr(kind, n)), key=lambda n: n != "restart"))
    return known


_REACTIONS: dict[type, tuple[str, ...]] = {}


def _first(args: Sequence[Any]) -> str:
    return str(args[0]) if args else "?"


def _set(resource: Resource[Any], name: str, value: Any) -> None:
    """A resource is frozen to recipes; the engine notes on it where it was declared and what became of it."""
    object.__setattr__(resource, name, value)


def on_change(cause: Resource[Any], action: Action) -> None:
    """Take an action at the end of the run if a resource changed: `notify` from the outside, for one you cannot edit.

    nginx = service("nginx")
    conf = link("/etc/nginx/conf.d/shop.conf", to="/srv/shop/nginx.conf")     # or what somebody else's function returns
    on_change(conf, nginx.reload)
    """
    current_run("on_change").tell_later(cause, action)
