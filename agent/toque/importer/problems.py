"""What can be wrong with a dump, and what is to be said of one that is not wrong.

BadDump    it cannot be imported; `problems` are all that were found, each with its file and place
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

_SHOWN: Final = 20


class BadDump(Exception):
    """Its text is the problems, one a line: `stacks.json:3:7: …` or `stacks.json: Stacks[0].Name: …`."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems: Sequence[str] = list(problems)
        shown = list(self.problems[:_SHOWN])
        if len(self.problems) > _SHOWN:
            shown.append(f"… and {len(self.problems) - _SHOWN} more")
        super().__init__("\n".join(shown))


class Verdict(StrEnum):
    """What became of something: carried over in another form, not at all, or waiting for somebody's hands."""

    CHANGED = "changed"
    LEFT_OUT = "left out"
    TO_DO = "to do"


class Remark(NamedTuple):
    """One thing that is not simply as it was. `stack` is the stack's name, "" for what belongs to none."""

    verdict: Verdict
    stack: str
    thing: str
    said: str

    def __str__(self) -> str:
        return f"{self.thing}: {self.said}"
