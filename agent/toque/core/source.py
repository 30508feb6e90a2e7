"""Where in a recipe a resource was declared, so that every error can say so."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

_OURS = f"{Path(__file__).resolve().parent.parent}/"
_LIBRARY = f"{Path(os.__file__).parent}/"


@dataclass(frozen=True)
class Source:
    """A line of somebody's recipe. Line 0 means that no line is known."""

    path: str
    line: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    def excerpt(self) -> str:
        """The line with its neighbours, marked; empty when the file cannot be read."""
        import linecache  # only an error needs it

        numbers = range(max(1, self.line - 1), self.line + 2)
        lines = [(n, linecache.getline(self.path, n).rstrip()) for n in numbers]
        if not any(text for _, text in lines):
            return ""
        return "\n".join(f"{'>' if n == self.line else ' '} {n:4} | {text}".rstrip() for n, text in lines)


NOWHERE = Source("", 0)


def declared_at() -> Source:
    """The nearest caller that is not Toque itself: the recipe author's line."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_OURS) and frame.f_back is not None:
        frame = frame.f_back
    return Source(frame.f_code.co_filename, frame.f_lineno)


def raised_at(error: BaseException) -> Source:
    """The innermost line of a traceback that is neither Toque's nor a library's: where the author must look."""
    found = NOWHERE
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if not path.startswith((_OURS, _LIBRARY, "<")) and "-packages/" not in path:
            found = Source(path, trace.tb_lineno)
        trace = trace.tb_next
    return found
