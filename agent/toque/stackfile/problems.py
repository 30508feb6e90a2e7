"""What is wrong with a stack file: where it stands, what was found, and what would do.

BadStackFile    the file is no stack file; `problems` are all that were found, in the order of its lines
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_LONGEST: Final = 150

Path = tuple[str | int, ...]
"""Where in the document: ("layers", "app", "packages", 0)."""


class Problem(NamedTuple):
    """`line` and `column` count from 1. `str()` is the line that compilers print, which editors follow."""

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}"
        return f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"


class BadStackFile(Exception):
    """Its text is all problems, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Sequence[Problem] = sorted(problems, key=lambda each: each[:3])
        super().__init__("\n".join(map(str, self.problems)))


def dotted(path: Path) -> str:
    """
    >>> dotted(("layers", "app", "packages", 0))
    'layers.app.packages[0]'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
