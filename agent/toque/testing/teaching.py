"""What the machine in memory is taught: every program in `toque/testing/programs/`, and what a test says itself."""

from __future__ import annotations

import inspect
import pkgutil
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from typing import Any

from toque.core.host import Ran
from toque.testing import programs
from toque.testing.machine import Answer, FakeHost, Program


@cache
def kinds() -> tuple[type[Any], ...]:
    """The programs that can be had without asking: classes with `look` and `do` whose making needs no arguments."""
    found: list[type[Any]] = []
    for module in sorted(info.name for info in pkgutil.iter_modules(programs.__path__)):
        name = f"{programs.__name__}.{module}"
        members = vars(import_module(name)).values()
        found += [each for each in members if isinstance(each, type) and each.__module__ == name and _is_program(each)]
    return tuple(found)


def taught() -> list[Program]:
    """A fresh one of each."""
    return [kind() for kind in kinds()]


def module_of(program: Program) -> str:
    """The file in `programs/` that a program stands in."""
    return type(program).__module__.rpartition(".")[2]


def _is_program(kind: type[Any]) -> bool:
    if kind.__name__.startswith("_") or not all(callable(getattr(kind, name, None)) for name in ("look", "do")):
        return False
    empty = inspect.Parameter.empty
    optional = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not empty or p.kind in optional for p in inspect.signature(kind).parameters.values())


@dataclass(frozen=True)
class Lesson:
    """A command line, `*` and `?` as in file names, and how the machine answers it."""

    argv: tuple[str, ...]
    answer: Ran
    reads: bool
    does: Callable[[FakeHost], object] | None

    def fits(self, argv: Sequence[str]) -> bool:
        return len(argv) == len(self.argv) and all(
            given == wanted or fnmatchcase(given, wanted) for given, wanted in zip(argv, self.argv, strict=True)
        )

    def __str__(self) -> str:
        return shlex.join(self.argv)


@dataclass
class Lessons:
    """What a test teaches by `node.answers([...])`; the last lesson that fits is the one that counts."""

    known: list[Lesson] = field(default_factory=list)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        return self._answer(argv, host, reads=True)

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        return self._answer(argv, host, reads=False)

    def _answer(self, argv: list[str], host: FakeHost, *, reads: bool) -> Answer:
        lesson = next((each for each in reversed(self.known) if each.reads == reads and each.fits(argv)), None)
        if lesson is None:
            return None
        if lesson.does is not None:
            lesson.does(host)
        return lesson.answer
