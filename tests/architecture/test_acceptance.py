"""The page of acceptance checks is honest: every check is on it, and every test that it names is there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "inside" / "acceptance.md"
CHECKS = {"01": 35, "02": 35, "03": 40, "05": 38, "07": 32, "09": 34}
"""How many acceptance checks each chapter has."""
ISSUES = ("engine", "recipes", "apps")
_ROW = re.compile(r"^\| (\d\d-\d+) \| (.+?) \| (.*?) \| (.*?) ?\|$", re.MULTILINE)
_TEST = re.compile(r"`([\w/.]+)::(\w+)`")


class Row(NamedTuple):
    check: str
    about: str
    proved_by: str
    left: str


ROWS = [Row(*found) for found in _ROW.findall(PAGE.read_text())]


def test_every_check_stands_on_the_page_once_and_in_order() -> None:
    wanted = [f"{chapter}-{number}" for chapter, count in CHECKS.items() for number in range(1, count + 1)]

    assert [each.check for each in ROWS] == wanted


def test_every_line_of_the_tables_is_a_check() -> None:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and not line.startswith("| check")]

    assert len(lines) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.check)
def test_the_tests_of_a_check_are_there(row: Row) -> None:
    named = _TEST.findall(row.proved_by)
    gone = [f"{file}::{name}" for file, name in named if not _is_there(ROOT / "tests" / file, name)]

    assert gone == [], f"{row.check} names tests that do not exist: rename them in {PAGE.relative_to(ROOT)} too"
    assert "<br>".join(f"`{file}::{name}`" for file, name in named) == row.proved_by
    assert [test for test, times in Counter(named).items() if times > 1] == []


def test_a_check_that_no_test_proves_says_which_issue_will() -> None:
    unproved = [row for row in ROWS if not row.proved_by]

    assert [row.check for row in unproved if row.left.partition(":")[0] not in ISSUES] == []


def _is_there(file: Path, name: str) -> bool:
    return file.exists() and re.search(rf"^ *def {name}\(", file.read_text(), re.MULTILINE) is not None
