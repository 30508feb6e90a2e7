"""What is different when a person sits at a terminal: colours, a line of progress, and questions before changes."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

if TYPE_CHECKING:
    from toque.core.resource import Change, Resource
    from toque.core.run import Answer, Run

_CLEAR = "\r\x1b[K"
_EYE = 0.05
_COLOURS = (
    (re.compile(r"\s+(\+\+\+|---) "), "bold"),
    (re.compile(r"\s+@@ "), "cyan"),
    (re.compile(r"\s+\+"), "green"),
    (re.compile(r"\s+-"), "red"),
    (re.compile(r"\S+\[.*\] (failed|would fail)"), "red"),
    (re.compile(r"\S+\[.*\] unknown|warning: "), "yellow"),
    (re.compile(r"\S+\[.*\] "), "green"),
    (re.compile(r"(Files|Packages|Users|Groups|Services|Not shown)$|\d+ resources?: "), "bold"),
    (re.compile(r"  (created|changed) /"), "green"),
    (re.compile(r"  removed /"), "red"),
)


def paint(line: str) -> str:
    """A line of a log, in colours that say what it is."""
    style = next((style for pattern, style in _COLOURS if pattern.match(line)), None)
    if style is None:
        return line
    return click.style(line, bold=True) if style == "bold" else click.style(line, fg=style)


class Terminal:
    """A stream in colours, with a line at its end that says what is being looked at and goes when there is more."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._shows_progress = False
        self._told_at = 0.0

    def write(self, text: str) -> int:
        if self._shows_progress:
            self._out.write(_CLEAR)
            self._shows_progress = False
        self._out.write("\n".join(paint(line) for line in text.split("\n")))
        return len(text)

    def flush(self) -> None:
        if self._shows_progress:
            self._out.write(_CLEAR)
            self._shows_progress = False
        self._out.flush()

    def progress(self, resource: Resource[Any]) -> None:
        """Say what the run is at; not more often than an eye can follow."""
        now = time.monotonic()
        if now - self._told_at < _EYE:
            return
        self._told_at, self._shows_progress = now, True
        room = shutil.get_terminal_size().columns - 4
        self._out.write(f"{_CLEAR}{click.style(f'… {resource}'[:room], dim=True)}")
        self._out.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


def painted(out: TextIO) -> TextIO:
    """`out`, in colours where it is a terminal that is not asked to do without (NO_COLOR)."""
    return cast(TextIO, Terminal(out)) if out.isatty() and not os.environ.get("NO_COLOR") else out


def watching(out: TextIO) -> Callable[[Run], None]:
    """Makes a run tell what it is at, where `out` shows that."""

    def prepare(run: Run) -> None:
        if isinstance(out, Terminal):
            run.report.begins = out.progress

    return prepare


_ANSWERS: dict[str, Answer] = {"y": "yes", "yes": "yes", "n": "no", "no": "no", "q": "quit", "quit": "quit"}
_ALL = {"a", "all"}


def asking(answers: TextIO, out: TextIO) -> Callable[[Run], None]:
    """Makes a run ask at each change: yes, no (this one is left alone), all (from here on), quit."""
    return lambda run: setattr(run, "confirm", _Questions(answers, out))


class _Questions:
    def __init__(self, answers: TextIO, out: TextIO) -> None:
        self._answers, self._out = answers, out
        self._all = False

    def __call__(self, resource: Resource[Any], change: Change[Any]) -> Answer:
        from toque.core.diffs import describe

        if self._all:
            return "yes"
        summary, diff = describe(resource, change)
        lines = [f"{resource} would be {summary}", *(f"    {line}" for line in diff.splitlines())]
        self._out.write("".join(f"{line}\n" for line in lines))
        while True:
            self._out.write("  do it? [y]es, [n]o, [a]ll, [q]uit: ")
            self._out.flush()
            line = self._answers.readline()
            word = line.strip().lower()
            if word in _ALL:
                self._all = True
                return "yes"
            if not line or word in _ANSWERS:
                return _ANSWERS.get(word, "quit")  # the end of what somebody types is the end of the run
