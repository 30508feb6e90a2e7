"""What a resource is, and how one is brought to its desired state.

A resource answers three questions: what should be there (`desired`), what is there (`current`), how does one get from
one to the other (`apply`). Whether to act, dry run, the second look, retries, reports and errors are the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, ParamSpec, TypeVar, cast, overload

from toque.core.errors import NotLoadable, ToqueError
from toque.core.host import Host, Ran, said_by, shown, watched
from toque.core.options import as_new, become, within_limits
from toque.core.secret import Secret
from toque.core.source import NOWHERE, Source
from toque.protocol.masking import HIDDEN

if TYPE_CHECKING:
    from toque.core.planned import Planned

S = TypeVar("S")
R = TypeVar("R", bound="Resource[Any]")
P = ParamSpec("P")

REGISTRY: dict[str, type[Resource[Any]]] = {}
"""Every resource class that has been imported, by its word."""

PRESENT = "present"
DRIFT, INTENDED = "drift", "intended"

_FIELDS: dict[type, tuple[str, ...]] = {}


@dataclass(frozen=True)
class Change(Generic[S]):
    """What differs: `fields` are the names of the wrong ones; `present` among them means made anew or taken away."""

    was: S | None
    want: S | None
    fields: frozenset[str]

    def __contains__(self, name: str) -> bool:
        return name in self.fields


@dataclass
class Outcome:
    """What became of a declared resource.

    `status` is one of unchanged, changed, would-change, skipped, unknown, failed, ignored;
    `reason` says why for the last four. `duration` is in seconds. `outputs` are what the resource found out beside its
    state, such as the `new_sha` of a `git`; what a dry run cannot know is an Unknown. `cause`, on a node that remembers
    what was desired before: `drift` when a change put right what somebody else changed, else `intended`.
    """

    status: str = "unchanged"
    change: Change[Any] | None = None
    reason: str = ""
    duration: float = 0.0
    outputs: Mapping[str, Any] = field(default_factory=dict)
    asked: Any = None
    cause: str = ""
    flapping: bool = False
    """It changed in several runs in a row, though nothing else was asked for."""


class Action:
    """Something a resource can do beside being in its state (`nginx.reload`); a value to hand to `notify=`.

    Called without arguments in a recipe it acts at once, as part of the run (in a dry run it only says so).
    """

    __slots__ = ("_perform", "name", "resource")

    def __init__(self, resource: Resource[Any], name: str, perform: Callable[[Any, Host], None]) -> None:
        self.resource, self.name, self._perform = resource, name, perform

    def __call__(self, host: Host | None = None) -> None:
        if host is not None:
            return self._perform(self.resource, within_limits(self.resource, host))
        from toque.core.run import current_run

        return current_run(self.name).act(self)

    def __str__(self) -> str:
        return f"{self.resource}.{self.name}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Action) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    __repr__ = __str__


class action(Generic[R]):
    """Mark a method `(self, host) -> None` of a resource as an action that others may notify."""

    def __init__(self, perform: Callable[[R, Host], None]) -> None:
        self.perform = perform
        self.__doc__ = perform.__doc__
        self.name = perform.__name__

    @overload
    def __get__(self, resource: None, owner: type[R]) -> action[R]: ...

    @overload
    def __get__(self, resource: R, owner: type[R]) -> Action: ...

    def __get__(self, resource: R | None, owner: type[R]) -> action[R] | Action:
        return self if resource is None else Action(resource, self.name, self.perform)


Guard = Callable[[], bool] | Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Resource(Generic[S]):
    """These options are offered by every word; the class is the root of all resources.

    only_if, not_if   a callable without arguments, or a program as a list of arguments (exit code 0 is yes)
    notify            actions of other resources to take once, at the end of the run, if this one changed
    notify_now        the same, at once
    notify_before     the same, right before this one is changed (a retry of it takes them no second time)
    on_failure        what becomes of its `notify` when the run fails: "keep" leaves them to the next run, "run" takes
                      them all the same, "drop" forgets them
    retries           how often to try again after a failure
    retry_delay       seconds between two tries
    retry_until       a function that gets this resource: while it says no, that counts as a failure
    timeout           seconds that each program it runs may take, guards included; 3600 without it
    umask             octal digits as text, for the programs it runs; files that it makes itself have `mode`
    when_creating     properties that it gets only where it does not exist yet: {"password": first_password}
    ignore_failure    a failure is reported as "failed (ignored)" and the run goes on; "quiet" leaves it out of the log
    sensitive         show nothing of its content, only which properties changed
    tags              words for the report, to find and to count by
    why               one sentence for the log and the report
    """

    word: ClassVar[str] = ""
    made: ClassVar[str] = "created"
    """What the log says when it was not there and now is."""
    foreseeable: ClassVar[bool] = False
    """Whether `apply` only changes files, through `host`: a plan then applies it to its picture of them."""
    remedy: ClassVar[str] = "something else keeps changing it, or it is read otherwise than it is written"
    """What its author may do when it changes in every run."""
    known_before: ClassVar[frozenset[str]] = frozenset()
    """The outputs that a look tells; all others are known only after `apply`."""

    only_if: Guard | None = None
    not_if: Guard | None = None
    notify: Sequence[Action] = ()
    notify_now: Sequence[Action] = ()
    notify_before: Sequence[Action] = ()
    on_failure: Literal["keep", "run", "drop"] = "keep"
    retries: int = 0
    retry_delay: float = 2.0
    retry_until: Callable[[Any], bool] | None = None
    timeout: float | None = None
    umask: str | None = None
    when_creating: Mapping[str, Any] | None = None
    ignore_failure: bool | Literal["quiet"] = False
    sensitive: bool = False
    tags: Sequence[str] = ()
    why: str = ""
    source_line: Source = field(default=NOWHERE, init=False, repr=False, compare=False)
    outcome: Outcome | None = field(default=None, init=False, repr=False, compare=False)

    def desired(self) -> S | None:
        """The state that should be. A field that is None is not ours to say; None as a whole: should not exist."""
        raise NotImplementedError

    def wanted(self, was: S | None) -> S | None:
        """`desired`, for what can only be said of what is: a file of which one line is ours."""
        return self.desired()

    def current(self, host: Host) -> S | None:
        """The state that is. Reads only, and can always be called; None: does not exist."""
        raise NotImplementedError

    def apply(self, host: Host, change: Change[S]) -> None:
        """Do what `change` names, and no more."""
        raise NotImplementedError

    def foretell(self, plan: Planned, change: Change[S]) -> None:
        """Tell the plan of a dry run what would be there after `change`, for the lines that follow.

        As it stands: a resource named by a path would change what is there, and nobody knows how.
        """
        if self.foreseeable:
            self.apply(cast(Host, plan), change)
        else:
            from toque.core.planned import cloud_identity

            cloud_identity(plan, self)

    def unsure(self, plan: Planned) -> str:
        """In a dry run, why a change that was found may be none, because of what lines above would do; else empty."""
        return ""

    def identity(self) -> str:
        """What tells it from others of its word: its first property."""
        value = getattr(self, _identity_field(type(self)))
        return " ".join(value) if isinstance(value, list | tuple) else str(value)

    def can_look_again(self) -> bool:
        """Whether `current` can tell that `apply` has worked. False only for what leaves no trace to look at."""
        return True

    def changed_nothing(self) -> bool:
        """Asked after `apply`: whether it has turned out that there was nothing to change (`changed_when`)."""
        return False

    def has_done(self, name: str, change: Change[S] | None) -> bool:
        """Whether the action `name` is needless after `change`: a service that was just started needs no restart."""
        return False

    @property
    def changed(self) -> bool:
        """Whether this run changed it (in a dry run: would change it). Known as soon as its line is done."""
        return self.outcome is not None and self.outcome.change is not None and self.outcome.status != "failed"

    @property
    def skipped(self) -> bool:
        """Whether a guard kept it from being looked at; `outcome.reason` says which."""
        return self.outcome is not None and self.outcome.status == "skipped"

    @property
    def diff(self) -> str:
        """What this run changed of its content, as a unified diff, secrets hidden; empty where there is none."""
        if self.outcome is None or self.outcome.change is None:
            return ""
        from toque.core.diffs import describe

        return describe(self, self.outcome.change)[1]

    def __str__(self) -> str:
        return f"{self.word}[{self.identity()}]"

    __hash__ = object.__hash__


def _identity_field(kind: type[Resource[Any]]) -> str:
    name = _IDENTITIES.get(kind)
    if name is None:
        name = _IDENTITIES[kind] = next(f.name for f in fields(kind) if not f.kw_only)
    return name


_IDENTITIES: dict[type, str] = {}


def resource(word: str) -> Callable[[type[R]], type[R]]:
    """Register a resource class under its word."""

    def register(kind: type[R]) -> type[R]:
        if kind.__module__.startswith(COOKBOOKS):
            _not_taken(word, kind.__module__)
        kind.word = word
        REGISTRY[word] = kind
        return kind

    return register


COOKBOOKS = "cookbooks."
"""What the names of modules of cookbooks begin with."""


def _not_taken(word: str, module: str) -> None:
    """A cookbook's word must be its own: what a run owes is written down by word and name."""
    from importlib.util import find_spec

    taken = REGISTRY[word].__module__ if word in REGISTRY else f"toque.resources.{word}"
    if taken != module and (word in REGISTRY or (word.isidentifier() and find_spec(taken) is not None)):
        raise NotLoadable(f"{module}: the word {word} is taken by {taken}: give yours another name")


def recipe_word(kind: Callable[P, R]) -> Callable[P, R]:
    """Make the word of a resource class: same signature; converges on its line and returns the resource, its handle."""

    def word(*args: P.args, **kwargs: P.kwargs) -> R:
        from toque.core.run import current_run

        run = current_run(kind.word)  # type: ignore[attr-defined]
        return run.declare(kind, args, kwargs)

    word.__name__ = word.__qualname__ = kind.word  # type: ignore[attr-defined]
    word.__doc__ = kind.__doc__
    word.__wrapped__ = kind  # type: ignore[attr-defined]
    return word


class NotConverged(ToqueError):
    """A resource was applied, and a second look shows that it is still not as it should be."""

    def __init__(
        self, resource: Resource[Any], left: Change[Any], ran: Sequence[tuple[tuple[str, ...], Ran]] = ()
    ) -> None:
        self.resource, self.left, self.ran = resource, left, tuple(ran)
        super().__init__(str(resource), left)

    def __str__(self) -> str:
        return f"{self.resource} is still wrong in {', '.join(sorted(self.left.fields))}"

    def details(self) -> list[str]:
        """What was wanted, what was found, and what the last program said."""
        wanted, found = wanted_and_found(self.left)
        after = f" after: {shown(self.ran[-1][0])}" if self.ran else ""
        lines = [f"wanted {wanted}, found {found}{after}"]
        said = said_by(*self.ran[-1]) if self.ran else ""
        return lines + ([said] if said else [])


def wanted_and_found(change: Change[Any]) -> tuple[str, str]:
    """`running=True` and `running=False`: the wrong fields, as wanted and as found."""
    if change.want is None:
        return "it absent", "it present"
    if change.was is None:
        return "it present", "it absent"
    names = sorted(change.fields)
    return (
        ", ".join(f"{name}={display(getattr(change.want, name))}" for name in names),
        ", ".join(f"{name}={display(getattr(change.was, name))}" for name in names),
    )


def display(value: Any) -> str:
    """A property's value for people: short, secrets hidden."""
    from toque.core.masking import mask

    if isinstance(value, Secret):
        return HIDDEN
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {display(each)}" for key, each in value.items()) + "}"
    text = mask(repr(value))
    return text if len(text) <= 200 else f"{text[:197]}…"


def converge(
    resource: Resource[S],
    host: Host,
    *,
    dry_run: bool = False,
    before: Callable[[], bool] | None = None,
) -> Change[S] | None:
    """Bring one resource to its desired state; return what changed, or would change.

    Looks again after applying, so that no change is ever reported that did not happen; raises NotConverged. `before` is
    called when there is something to change, before it is; when it says so, the resource is looked at once more.
    """
    if resource.timeout is not None or resource.umask is not None:
        host = within_limits(resource, host)
    was = resource.current(host)
    want = resource.wanted(was)
    if was is None and want is not None and resource.when_creating:
        become(resource, as_new(resource))
        want = resource.wanted(was)
    change = diff(was, want)
    if change is None or dry_run:
        return change
    if before is not None and before():
        needed = change
        change = diff(resource.current(host), want)
        if change is None:
            return needed
    watch, ran = watched(host)
    resource.apply(watch, change)
    if resource.can_look_again():
        left = diff(resource.current(host), want)
        if left is not None:
            raise NotConverged(resource, left, ran)
    return None if resource.changed_nothing() else change


def diff(was: S | None, want: S | None) -> Change[S] | None:
    """None when nothing is to be done. A wanted field that is None is left alone."""
    if want is None:
        return None if was is None else Change(was, want, frozenset({PRESENT}))
    names = _FIELDS.get(type(want))
    if names is None:
        names = _FIELDS[type(want)] = tuple(f.name for f in fields(want) if f.compare)  # type: ignore[arg-type]
    if was is None:
        managed = {name for name in names if getattr(want, name) is not None}
        return Change(was, want, frozenset({PRESENT, *managed}))
    wrong = [name for name in names if (value := getattr(want, name)) is not None and getattr(was, name) != value]
    return Change(was, want, frozenset(wrong)) if wrong else None
