"""Plans as stored files: what a recipe would do, compared with what it did when somebody last looked at it."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Protocol

from toque.testing.runs import FakeRun


class SamePlan(Protocol):
    """What the fixture `same_plan` is."""

    def __call__(self, run: FakeRun, name: str = "") -> None:
        """Fail unless the run says what is stored as `plans/NAME.txt` beside the test (NAME: the test's own)."""


def compare(text: str, stored: Path, *, update: bool) -> None:
    """Compare with the stored text, or store it."""
    if update:
        stored.parent.mkdir(parents=True, exist_ok=True)
        stored.write_text(text, encoding="utf-8")
        return
    if not stored.is_file():
        raise AssertionError(f"there is no stored plan {stored}: pytest --toque-update stores this one\n{text}")
    before = stored.read_text(encoding="utf-8")
    if before != text:
        lines = difflib.unified_diff(before.splitlines(), text.splitlines(), str(stored), "this run", lineterm="")
        remedy = "where the new plan is right, run pytest with --toque-update"
        raise AssertionError("\n".join(["the plan is not the stored one:", *lines, remedy]))


def file_name(test: str) -> str:
    """A file name for a test's name, parameters included."""
    return re.sub(r"[^\w.-]+", "-", test).strip("-") + ".txt"
