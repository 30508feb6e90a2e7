"""What a rule found: where, what, what to do about it, and the edit that does it where that is safe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """Replace the text between two places of a file; lines count from 1, columns (in characters) from 0."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


@dataclass(frozen=True)
class Finding:
    """One thing that a rule has to say. `hint` says what to do."""

    path: Path
    line: int
    column: int
    rule: str
    message: str
    hint: str = ""
    edit: Edit | None = None
