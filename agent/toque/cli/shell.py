"""`toque shell`: a Python prompt with the words of recipes, where each resource converges when it is entered."""

from __future__ import annotations

import code
import linecache
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any

import click

from toque.cli.apply import given_attributes, with_attributes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from toque.core.resource import Resource
    from toque.core.run import Run

_BANNER = """\
The words of recipes, node and search are here; each resource converges when you enter it{only}.
last: the last resource    retry(): try it again    diff(): what it changed    exit(): the end, with what was put off\
"""


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what each line would do.")
@click.option("--sandbox", "in_sandbox", is_flag=True, help="In a copy of this machine, which is thrown away.")
@with_attributes
def shell(dry_run: bool, in_sandbox: bool, attributes: Path | None, sets: tuple[str, ...]) -> None:
    """Try recipe lines at a Python prompt, on this machine.

    A line that fails says why and leaves the prompt. What notifications put off is done at the end. Lines may come from
    a pipe as well; then the exit code is 1 when one of them failed.
    """
    given = given_attributes(attributes, sets)
    if in_sandbox:
        from toque.preview.clone import shell_in_clone

        words = ["--dry-run"] if dry_run else []
        words += [word for key, value in given.items() for word in ("--set", f"{key}={_json(value)}")]
        sys.exit(shell_in_clone(words))
    sys.exit(_Shell(given, dry_run=dry_run).run())


def _show(value: Any) -> None:
    """What an expression gives; a resource has said already what became of it."""
    from toque.core.masking import mask
    from toque.core.resource import Resource

    if value is not None and not isinstance(value, Resource):
        print(mask(repr(value)))


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


class _Shell(code.InteractiveConsole):
    """Each statement runs inside one run that lasts as long as the prompt."""

    def __init__(self, given: dict[str, Any], *, dry_run: bool) -> None:
        from toque.cli.terminal import painted
        from toque.core.local import LocalHost
        from toque.core.masking import MaskedText
        from toque.core.report import Report
        from toque.core.run import Run
        from toque.core.world import World
        from toque.facts import collect

        self._is_terminal = sys.stdin.isatty()
        self._out = MaskedText(painted(sys.stdout))
        self.machine = Run(LocalHost(), dry_run=dry_run, report=Report(say=self._out.line))
        self.machine.world = World(levels=[("command line", given)], collect=collect)
        self.failed = False
        self._count = 0
        super().__init__(locals=_Words(self.machine))

    def run(self) -> int:
        """Until the end of what is typed; what was put off is done then. Answers the exit code."""
        if self._is_terminal:
            _remember_lines(self.locals)
        banner = _BANNER.format(only=", or rather says what it would do" if self.machine.dry_run else "")
        sys.displayhook = _show
        sys.ps1, sys.ps2 = (">>> ", "... ") if self._is_terminal else ("", "")
        with self.reporting(), self.machine:
            self.interact(banner if self._is_terminal else "", exitmsg="")
        return 1 if self.failed and not self._is_terminal else 0

    def interact(self, banner: str | None = None, exitmsg: str | None = None) -> None:
        try:
            super().interact(banner, exitmsg)
        except SystemExit:
            pass  # exit() is the end of the prompt, not of what is left to do

    def raw_input(self, prompt: str = "") -> str:
        if self._is_terminal:
            return input(prompt)
        line = sys.stdin.readline()
        if not line:
            raise EOFError
        return line.rstrip("\n")

    def write(self, data: str) -> None:
        if data.strip():
            self._out.line(data.rstrip("\n"))

    def runsource(self, source: str, filename: str = "", symbol: str = "single") -> bool:
        # A name of its own for each statement, so that pages can show its line.
        name = f"line {self._count + 1} of this prompt"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        more = super().runsource(source, name, symbol)
        self._count += 0 if more else 1
        return more

    def runcode(self, code: CodeType) -> None:
        with self.reporting():
            exec(code, self.locals)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """What goes wrong becomes a page, and leaves the prompt."""
        from toque.core.run import ResourceFailed

        try:
            yield
        except SystemExit:
            raise
        except ResourceFailed as error:
            from toque.core.pages import failure_page

            page = failure_page(error, "", self.machine)
            self._fail(page.rpartition("\n")[0])
        except KeyboardInterrupt:
            self._fail("interrupted")
        except Exception as error:  # noqa: BLE001 (around what a person types, as around a recipe)
            self._fail("".join(traceback.format_exception_only(error)).rstrip())
        finally:
            self._out.flush()

    def showsyntaxerror(self, filename: str | None = None) -> None:
        self.failed = True
        super().showsyntaxerror(filename)

    def _fail(self, text: str) -> None:
        self.failed = True
        self.machine.report.note(text)


class _Words(dict[str, Any]):
    """The names at the prompt: what was defined there, the helpers, and every word, imported when it is first said."""

    def __init__(self, run: Run) -> None:
        super().__init__(__name__="__shell__", retry=self._retry, diff=self._diff)
        self._run = run

    def __missing__(self, name: str) -> Any:
        import toque

        if name == "last":
            return self._last()
        if name in toque.__all__:
            return getattr(toque, name)
        raise KeyError(name)

    def _last(self) -> Resource[Any] | None:
        return self._run.declared[-1] if self._run.declared else None

    def _retry(self) -> Resource[Any] | None:
        """Converge the last resource once more."""
        resource = self._last()
        if resource is not None:
            self._run.converge(resource)
            self._run.declared.pop()
        return resource

    def _diff(self) -> None:
        """Show what the last resource changed."""
        from toque.core.diffs import describe

        resource = self._last()
        change = resource.outcome.change if resource is not None and resource.outcome is not None else None
        self._run.report.note("\n".join(describe(resource, change)) if resource and change else "nothing was changed")


def _remember_lines(names: Any) -> None:
    """History over sessions, and names completed by TAB, where Python has readline."""
    try:
        import readline
        import rlcompleter
    except ImportError:
        return
    import atexit
    import os

    import toque

    folder = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "toque"
    history = folder / "shell_history"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if history.exists():
        readline.read_history_file(history)
    readline.set_history_length(1000)
    readline.set_completer(rlcompleter.Completer({**dict.fromkeys(toque.__all__), **names}).complete)
    readline.parse_and_bind("tab: complete")
    atexit.register(readline.write_history_file, history)
