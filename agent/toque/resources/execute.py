"""execute: a program that is run, unless what it makes is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, ClassVar

from toque.core import BadProperty, Change, Host, Resource, action, recipe_word, resource

if TYPE_CHECKING:
    from toque.core.planned import Planned


@dataclass(frozen=True)
class ExecuteState:
    """Done; when it is not, there is no state at all."""

    done: bool = True


@resource("execute")
@dataclass(frozen=True)
class Execute(Resource[ExecuteState]):
    """Run a program, as a list of arguments: no shell, so no quoting.

    command      the program and its arguments; for a pipeline say ["sh", "-c", "a | b"] and mean it
    creates      a path: when it exists, there is nothing to do
    removes      a path: when it does not exist, there is nothing to do
    unless       a program that only looks: exit code 0 means there is nothing to do
    cwd          the folder it runs in
    env          more environment
    user, group  who it runs as (with that user's HOME)
    input        text for its standard input
    returns      the exit codes that are a success
    when_told    True: it runs only as `notify=[it.run]` of another resource

    After its line `out` and `err` are what it said, None when it did not run.
    Without creates, removes, unless, only_if or not_if it runs each time, and each time counts as a change.

        execute(["make", "install"], cwd="/usr/src/tool", creates="/usr/local/bin/tool")
        reload = execute(["nginx", "-s", "reload"], when_told=True)
    """

    made: ClassVar[str] = "run"
    remedy: ClassVar[str] = "give it creates, removes, unless or a guard, so that it runs only where it is needed"

    command: Sequence[str]
    _: KW_ONLY
    creates: str | None = None
    removes: str | None = None
    unless: Sequence[str] | None = None
    cwd: str | None = None
    env: Mapping[str, str] | None = None
    user: str | None = None
    group: str | None = None
    input: str | None = None
    returns: Sequence[int] = (0,)
    when_told: bool = False
    out: str | None = field(default=None, init=False, repr=False, compare=False)
    err: str | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.command or not self.command[0]:
            raise BadProperty('execute needs a program, e.g. execute(["make", "install"])')

    def desired(self) -> ExecuteState:
        return ExecuteState()

    def current(self, host: Host) -> ExecuteState | None:
        return ExecuteState() if self.when_told or self._is_done(host) else None

    def apply(self, host: Host, change: Change[ExecuteState]) -> None:
        self._run(host)

    def foretell(self, plan: Planned, change: Change[ExecuteState]) -> None:
        for path in (self.creates, self.removes):
            if path is not None:
                plan.cloud(path)

    @action
    def run(self, host: Host) -> None:
        """Run it now, whatever is there already."""
        self._run(host)

    def can_look_again(self) -> bool:
        return self.creates is not None or self.removes is not None or self.unless is not None

    def identity(self) -> str:
        from toque.core.host import shown

        return shown(self.command)

    def _is_done(self, host: Host) -> bool:
        if self.creates is not None and host.entry(self.creates) is not None:
            return True
        if self.removes is not None and host.entry(self.removes) is None:
            return True
        if self.unless is None:
            return False
        looked = host.run(self.unless, ok=range(256), cwd=self.cwd, env=self.env, user=self.user, group=self.group)
        return looked.code == 0

    def _run(self, host: Host) -> None:
        ran = host.run(
            self.command,
            ok=self.returns,
            input=self.input,
            env=self.env,
            cwd=self.cwd,
            user=self.user,
            group=self.group,
        )
        object.__setattr__(self, "out", ran.out)
        object.__setattr__(self, "err", ran.err)


execute = recipe_word(Execute)
