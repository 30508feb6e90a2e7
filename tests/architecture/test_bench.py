"""`make bench` runs every benchmark there is."""

from __future__ import annotations

from pathlib import Path

from bench.all import BENCHMARKS

FOLDER = Path(__file__).resolve().parents[2] / "bench"
NOT_BENCHMARKS = {"__init__", "all", "installation", "server", "wires"}


def test_every_script_is_in_the_table_and_every_line_of_the_table_has_its_script() -> None:
    scripts = {each.stem for each in FOLDER.glob("*.py")} - NOT_BENCHMARKS
    assert {each.script for each in BENCHMARKS} == scripts


def test_no_two_lines_of_the_table_have_the_same_name() -> None:
    names = [each.name for each in BENCHMARKS]
    assert len(names) == len(set(names))
