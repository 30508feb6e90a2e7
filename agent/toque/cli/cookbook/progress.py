"""How a test of a cookbook tells how far it is: a spinner and marks on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import IO, Any, Protocol


class Progress(Protocol):
    """As `toque.testing.kitchen.suite.Tell`, and `close` at the end."""

    def begin(self, suite: str, step: str) -> None: ...
    def end(self, suite: str, step: str, *, ok: bool, said: str, seconds: float) -> None: ...
    def more(self, text: str) -> None: ...
    def close(self) -> None: ...


class Lines:
    """A line per step, when it has ended."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def begin(self, suite: str, step: str) -> None:
        """A line says what became of it."""

    def end(self, suite: str, step: str, *, ok: bool, said: str, seconds: float) -> None:
        mark = "ok" if ok else "FAILED"
        self._write(f"{suite}: {step}: {mark}{f': {said}' if said else ''} ({seconds:.1f} s)")

    def more(self, text: str) -> None:
        self._write("\n".join(f"  {line}" for line in text.splitlines()))

    def close(self) -> None:
        """Nothing is open."""

    def _write(self, text: str) -> None:
        self._stream.write(f"{text}\n")
        self._stream.flush()


class Spinner:
    """On a terminal: the step that is going on, and what became of those before."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console

        self._console = Console(file=stream, highlight=False)
        self._status: Any = None

    def begin(self, suite: str, step: str) -> None:
        self.close()
        if step.startswith("verify") or step == "unit":  # pytest writes here itself
            return
        self._status = self._console.status(f"{suite}: {step}")
        self._status.start()

    def end(self, suite: str, step: str, *, ok: bool, said: str, seconds: float) -> None:
        from rich.text import Text

        self.close()
        mark = Text("✓ ", style="green") if ok else Text("✗ ", style="bold red")
        line = Text(f"{suite}: {step}") + Text(f" {said} ({seconds:.1f} s)", style="dim")
        self._console.print(mark + line)

    def more(self, text: str) -> None:
        from rich.text import Text

        self._console.print(Text("\n".join(f"  {line}" for line in text.splitlines())))

    def close(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


def progress(*, to_errors: bool) -> Progress:
    """To standard output, or to the other stream where standard output is for a program."""
    stream = sys.stderr if to_errors else sys.stdout
    return Spinner(stream) if stream.isatty() and find_spec("rich") is not None else Lines(stream)
