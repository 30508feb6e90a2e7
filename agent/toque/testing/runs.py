"""What became of a run on a node in memory: each resource, each action, the log, and the questions a test asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import TYPE_CHECKING, Any

from toque.core.diffs import describe
from toque.core.errors import RecipeFailed, did_you_mean
from toque.core.report import Report, Say
from toque.core.resource import PRESENT, Action, Outcome, Resource
from toque.core.source import Source

if TYPE_CHECKING:
    from toque.testing.node import FakeNode, What

_DONE = {"changed", "would-change"}


@dataclass(frozen=True)
class Touched:
    """A resource that a run declared, and what became of it. Its properties are attributes: `touched.mode`."""

    recipe: str
    declared: Resource[Any]
    outcome: Outcome

    @property
    def word(self) -> str:
        return self.declared.word

    @property
    def name(self) -> str:
        return self.declared.identity()

    @property
    def status(self) -> str:
        """unchanged, changed, would-change, skipped, unknown, failed or ignored."""
        return self.outcome.status

    @property
    def reason(self) -> str:
        return self.outcome.reason

    @property
    def source(self) -> Source:
        return self.declared.source_line

    @property
    def changed(self) -> bool:
        return self.status in _DONE

    @property
    def fields(self) -> frozenset[str]:
        """The names of the properties that differed."""
        return self.outcome.change.fields if self.outcome.change is not None else frozenset()

    @property
    def created(self) -> bool:
        change = self.outcome.change
        return self.changed and change is not None and change.was is None

    @property
    def removed(self) -> bool:
        change = self.outcome.change
        return self.changed and change is not None and change.want is None

    @property
    def diff(self) -> str:
        return describe(self.declared, self.outcome.change)[1] if self.outcome.change is not None else ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.declared, name)

    def __str__(self) -> str:
        return str(self.declared)


@dataclass(frozen=True)
class Acted:
    """An action that was taken, or would be in a plan."""

    action: Action
    because: str

    def __str__(self) -> str:
        return str(self.action)


class Recording(Report):
    """A report that keeps everything, for a test to ask."""

    def __init__(self, say: Say = lambda text: None) -> None:
        self.lines: list[str] = []
        self._also = say
        super().__init__(say=self._keep)
        self.touched: list[Touched] = []
        self.acts: list[Acted] = []

    def _keep(self, text: str) -> None:
        self.lines.append(text)
        self._also(text)

    def outcome(self, recipe: str, resource: Resource[Any], outcome: Outcome) -> None:
        super().outcome(recipe, resource, outcome)
        self.touched.append(Touched(recipe, resource, outcome))
        if outcome.status == "unchanged":
            self.lines.append(f"{resource} unchanged")

    def acted(self, recipe: str, action: Action, because: str, dry_run: bool, seconds: float) -> None:
        super().acted(recipe, action, because, dry_run, seconds)
        self.acts.append(Acted(action, because))


class Stopped(RecipeFailed):
    """A recipe stopped at a resource; the text is the page that its author would see. `run` is what was done before."""

    def __init__(self, page: str, run: FakeRun) -> None:
        self.run = run
        super().__init__(page)


@dataclass
class FakeRun:
    """One converge, or plan, of a node in memory."""

    node: FakeNode
    what: tuple[What, ...]
    dry_run: bool
    report: Recording
    ran: list[str]
    """Every command that was run and every change to a file, in order."""
    reboot: str = ""
    """Why the machine would be restarted by it; empty when nothing asked for that."""
    ask: Callable[[Source], None] = field(default=lambda source: None)
    """Told the line of every resource that the test asks about: the coverage."""

    @property
    def changed(self) -> bool:
        """Whether anything was changed, or any action taken (in a plan: would be)."""
        return bool(self.report.acts) or any(each.changed for each in self.report.touched)

    @property
    def changes(self) -> list[str]:
        """`file[/etc/motd]`, … in order: what was changed, or would be."""
        return [str(each) for each in self.report.touched if each.changed]

    @property
    def resources(self) -> list[Touched]:
        return list(self.report.touched)

    @property
    def actions(self) -> list[str]:
        """`service[nginx].reload`, … in order."""
        return [str(each) for each in self.report.acts]

    @property
    def log(self) -> str:
        """What the run said, diffs included."""
        return "\n".join(self.report.lines) + "\n"

    def resource(self, word: str, name: str) -> Touched:
        """What became of one resource; fails with those there are. Declared twice, the last one counts.

        In names, here and below, `*` and `?` stand for anything: `run.resource("execute", "make *")`.
        """
        found = list(self._named(word, name))
        if not found:
            known = [str(each) for each in self.report.touched]
            near = did_you_mean(f"{word}[{name}]", known)
            listed = f"; it declared {', '.join(known) or 'nothing'}" if not near else ""
            raise AssertionError(f"the run of {self.title} declared no {word}[{name}]{near}{listed}")
        return found[-1]

    def declared(self, word: str, name: str) -> bool:
        """Whether the recipe said it, whatever became of it."""
        return bool(list(self._named(word, name)))

    def created(self, word: str, name: str) -> bool:
        """Whether it was not there and was made (in a plan: would be)."""
        return any(each.created for each in self._named(word, name))

    def removed(self, word: str, name: str) -> bool:
        return any(each.removed for each in self._named(word, name))

    def updated(self, word: str, name: str, *properties: str) -> bool:
        """Whether it was there and was changed, in these properties at least."""
        found = [each for each in self._named(word, name) if each.changed and PRESENT not in each.fields]
        return any(set(properties) <= each.fields for each in found)

    def skipped(self, word: str, name: str) -> bool:
        """Whether a guard kept it from being looked at."""
        return any(each.status == "skipped" for each in self._named(word, name))

    def notified(self, name: str, action: str, word: str = "") -> bool:
        """Whether an action was taken on the resource of that name (and word): `run.notified("nginx", "reload")`."""
        found = [each.action for each in self.report.acts if each.action.name == action]
        found = [each for each in found if each.resource.identity() == name and word in ("", each.resource.word)]
        for each in found:
            self.ask(each.resource.source_line)
        return bool(found)

    def again(self) -> FakeRun:
        """Converge the same once more; fails when that changes anything. Answers the second run."""
        second = self.node.converge(*self.what)
        if second.changed:
            lines = [
                f"  {each}: {', '.join(sorted(each.fields))} at {each.source}" for each in second.resources_changed
            ]
            lines += [f"  {each}: {each.because} at {each.action.resource.source_line}" for each in second.report.acts]
            remedy = "a resource that is right must see that it is: give execute creates=, unless= or a guard"
            raise AssertionError("\n".join([f"the second run of {self.title} is not without changes:", *lines, remedy]))
        return second

    def plan_text(self) -> str:
        """The whole of it as text, to store and compare: every resource with what is or would be done, and diffs."""
        for each in self.report.touched:
            self.ask(each.source)
        return self.log

    @property
    def resources_changed(self) -> list[Touched]:
        return [each for each in self.report.touched if each.changed]

    @cached_property
    def title(self) -> str:
        return ", ".join(titles(self.what))

    def _named(self, word: str, name: str) -> Iterator[Touched]:
        for each in self.report.touched:
            if each.word == word and (each.name == name or fnmatchcase(each.name, name)):
                self.ask(each.source)
                yield each


def titles(what: Sequence[What]) -> list[str]:
    """What was run, in words."""
    return [getattr(each, "__name__", str(each)) for each in what]
