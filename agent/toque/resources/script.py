"""script: a few lines for an interpreter, run unless what they make is there already."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from toque.core import BadProperty, Change, Host, Ran, Resource, action, recipe_word, resource
from toque.core.files import cookbook_file
from toque.core.host import SCRIPT
from toque.core.variables import check_variables
from toque.resources.execute import Execute, ExecuteState

if TYPE_CHECKING:
    from toque.core.planned import Planned

_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_INTERPRETERS = {
    "bash": ("bash", "-euo", "pipefail"),
    "sh": ("sh", "-eu"),
    "python": ("python3",),
    "perl": ("perl",),
    "ruby": ("ruby",),
}
"""How each is called. A shell stops at the first command that fails, and at a variable that is not set."""


@resource("script")
@dataclass(frozen=True)
class Script(Resource[ExecuteState]):
    """Run lines of code with an interpreter. The code is handed over in memory: neither on a disk nor in `ps`.

    name         what it is called in log and report
    code         the lines
    source       instead of code: the name of a file in the cookbook's `files/`
    interpreter  bash (with -euo pipefail), sh (with -eu), python, perl or ruby; or the program and its arguments as a
                 list, which gets the file with the code behind them
    args         arguments for the code: $1, sys.argv[1], …
    creates, removes, unless, changed_when, when_told   as of `execute`
    cwd, environment, user, group, input, returns, live   as of `execute`

    After its line `out`, `err` and `exit_code` are what it said and how it ended, None when it did not run.

    Give values as `args` or `environment` and not into the text of the code: nothing needs quoting then.

        script("swap file", code="fallocate -l 1G /swap\\nchmod 600 /swap\\nmkswap /swap", creates="/swap")
        script("count", interpreter="python", code="import sys; print(len(sys.argv))", args=["a", "b"], live=True)
    """

    made: ClassVar[str] = "run"

    name: str
    _: KW_ONLY
    code: str | None = None
    source: str | None = None
    interpreter: Literal["bash", "sh", "python", "perl", "ruby"] | Sequence[str] = "bash"
    args: Sequence[str] = ()
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
        if not _NAME.fullmatch(self.name):
            raise BadProperty(f"script name must be one line of at most 200 characters, got {self.name!r}")
        if (self.code is None) == (self.source is None):
            raise BadProperty("script takes code or source, and one of them")
        if not isinstance(self.interpreter, str) and not self.interpreter:
            raise BadProperty('script interpreter must name a program, e.g. ["awk", "-f"]')
        check_variables("script", self.environment)

    def desired(self) -> ExecuteState:
        return self._execute().desired()

    def current(self, host: Host) -> ExecuteState | None:
        return self._execute().current(host)

    def apply(self, host: Host, change: Change[ExecuteState]) -> None:
        self._run(host)

    @action
    def run(self, host: Host) -> None:
        """Run it now, whatever is there already."""
        self._run(host)

    def foretell(self, plan: Planned, change: Change[ExecuteState]) -> None:
        self._execute().foretell(plan, change)

    def can_look_again(self) -> bool:
        return self._execute().can_look_again()

    def changed_nothing(self) -> bool:
        return self._execute().changed_nothing()

    def _run(self, host: Host) -> None:
        code = self.code
        if self.source is not None:
            code = cookbook_file("files", self.source, self.source_line).read_text(encoding="utf-8")
        program = self._execute()
        program.run_script(host, code or "")
        for name in ("out", "err", "exit_code"):
            object.__setattr__(self, name, getattr(program, name))

    def _execute(self) -> _Handed:
        """The program it comes to: the interpreter, with a place for the code."""
        made: _Handed | None = self.__dict__.get("_made")
        if made is None:
            begin = _INTERPRETERS[self.interpreter] if isinstance(self.interpreter, str) else tuple(self.interpreter)
            made = _Handed(
                [*begin, SCRIPT, *self.args],
                creates=self.creates, removes=self.removes, unless=self.unless, changed_when=self.changed_when,
                cwd=self.cwd, environment=self.environment, user=self.user, group=self.group, input=self.input,
                returns=self.returns, live=self.live, when_told=self.when_told,
            )  # fmt: skip
            self.__dict__["_made"] = made
        return made


@dataclass(frozen=True)
class _Handed(Execute):
    """A program that is handed its code."""

    def run_script(self, host: Host, code: str) -> None:
        self._run(host, script=code)


script = recipe_word(Script)
