"""execute: a program that is run, unless what it makes is there already."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, ClassVar

from toque.core import BadProperty, Change, Host, Ran, Resource, action, current_run, recipe_word, resource
from toque.core.variables import check_variables

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

    command       the program and its arguments; a text only together with shell=True
    shell         True: the text is given to /bin/sh. Nothing is quoted for you, so put no values of others into it
    creates       a path: when it exists, there is nothing to do
    removes       a path: when it does not exist, there is nothing to do
    unless        a program that only looks, or a function without arguments: exit code 0 (a true answer) means there is
                  nothing to do
    changed_when  a function of how the program ended (`.code`, `.out`, `.err`) that says whether it changed anything
    cwd           the folder it runs in
    environment   more environment, names with text; values may be Secrets
    user, group   who it runs as (with that user's HOME)
    input         text for its standard input
    returns       the exit codes that are a success
    live          True: each line it says goes to the log while it runs, secrets hidden
    when_told     True: it runs only as `notify=[it.run]` of another resource

    After its line `out`, `err` and `exit_code` are what it said and how it ended, None when it did not run. Without
    creates, removes, unless, changed_when, only_if or not_if it runs each time, and each time counts as a change.

        execute(["make", "install"], cwd="/usr/src/tool", creates="/usr/local/bin/tool")
        execute(["createdb", "shop"], user="postgres", returns=[0, 1], changed_when=lambda ran: ran.code == 0)
        reload = execute(["nginx", "-s", "reload"], when_told=True)
    """

    made: ClassVar[str] = "run"
    remedy: ClassVar[str] = "give it creates, removes, unless or a guard, so that it runs only where it is needed"

    command: str | Sequence[str]
    _: KW_ONLY
    shell: bool = False
    creates: str | None = None
    removes: str | None = None
    unless: Sequence[str] | Callable[[], bool] | None = None
    changed_when: Callable[[Ran], bool] | None = None
    cwd: str | None = None
    environment: Mapping[str, str] | None = None
    user: str | None = None
    group: str | None = None
    input: str | None = None
    returns: Sequence[int] = (0,)
    live: bool = False
    when_told: bool = False
    out: str | None = field(default=None, init=False, repr=False, compare=False)
    err: str | None = field(default=None, init=False, repr=False, compare=False)
    exit_code: int | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.command or not self.command[0]:
            raise BadProperty('execute needs a program, e.g. execute(["make", "install"])')
        if isinstance(self.command, str) and not self.shell:
            raise BadProperty(
                f"execute command is a list of arguments, e.g. {self.command.split()}; "
                "a text is for the shell: add shell=True if you mean that"
            )
        if self.shell and not isinstance(self.command, str):
            raise BadProperty("execute shell=True takes the command as a text; a list of arguments needs no shell")
        check_variables("execute", self.environment)

    def desired(self) -> ExecuteState:
        return ExecuteState()

    def current(self, host: Host) -> ExecuteState | None:
        return ExecuteState() if self.when_told or self._is_done(host) else None

    def apply(self, host: Host, change: Change[ExecuteState]) -> None:
        self._run(host)

    def changed_nothing(self) -> bool:
        ran = Ran(self.exit_code or 0, self.out or "", self.err or "")
        return self.changed_when is not None and self.exit_code is not None and not self.changed_when(ran)

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

        return self.command if isinstance(self.command, str) else shown(self.command)

    def _is_done(self, host: Host) -> bool:
        if self.creates is not None and host.entry(self.creates) is not None:
            return True
        if self.removes is not None and host.entry(self.removes) is None:
            return True
        if self.unless is None:
            return False
        if callable(self.unless):
            return bool(self.unless())
        looked = host.run(
            self.unless, ok=range(256), cwd=self.cwd, env=self.environment, user=self.user, group=self.group
        )
        return looked.code == 0

    def _argv(self) -> Sequence[str]:
        return ["/bin/sh", "-c", self.command] if isinstance(self.command, str) else self.command

    def _run(self, host: Host, script: str | None = None) -> None:
        ran = host.run(
            self._argv(),
            ok=self.returns,
            input=self.input,
            env=self.environment,
            cwd=self.cwd,
            user=self.user,
            group=self.group,
            script=script,
            tell=live_lines() if self.live else None,
        )
        object.__setattr__(self, "out", ran.out)
        object.__setattr__(self, "err", ran.err)
        object.__setattr__(self, "exit_code", ran.code)


def live_lines() -> Callable[[str], None]:
    """What passes the lines of a program on to the log of the run, while it runs."""
    report = current_run("execute").report
    return lambda line: report.note(f"    {line}")


execute = recipe_word(Execute)
