"""What a run does at a line that restarts the machine: with an agent, and without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toque.cookbook import execute
from toque.cookbook.execute import apply_file, execute_run

RECIPE = """
from toque import log, reboot
log("before")
reboot("new kernel", when="now")
log("after")
"""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The directory of a run of two phases, of which the first restarts the machine."""
    directory = tmp_path / "runs" / "c-1"
    for kind, name, text in (("builtin", "toque", "print('cleaned up')"), ("custom", "web", RECIPE)):
        recipes = directory / "cookbooks" / kind / name / "recipes"
        recipes.mkdir(parents=True)
        (recipes.parent / "cookbook.toml").write_text(f'[cookbook]\nname = "{name}"\nversion = "1.0.0"\n')
        (recipes / ("cleanup.py" if kind == "builtin" else "default.py")).write_text(text)
    steps = [{"phase": "custom", "recipes": ["web"]}, {"phase": "system", "recipes": ["toque::cleanup"]}]
    (directory / "steps.json").write_text(json.dumps(steps))
    (directory / "snapshot.json").write_text("{}")
    return directory


def outcome(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "outcome.json").read_text())
    return found


def test_nothing_of_a_run_follows_a_restart_but_after_the_boot_all_of_it(run: Path, capsys: Any) -> None:
    (run / "boots.json").write_text("{}")

    assert execute_run(run) == 0

    assert outcome(run)["restart"] == "new kernel"
    said = capsys.readouterr().out
    assert "and this command goes on after the boot: new kernel" in said
    assert "after\n" not in said
    assert "cleaned up" not in said

    (run / "boots.json").write_text(json.dumps({"new kernel": "another boot"}))
    assert execute_run(run) == 0

    assert "restart" not in outcome(run)
    said = capsys.readouterr().out
    assert "after\n" in said
    assert "cleaned up" in said


def test_a_run_that_nobody_goes_on_with_fails_at_the_line(run: Path, capsys: Any) -> None:
    assert execute_run(run) == 1

    assert "only the agent does that and goes on after the boot: run it as a command" in capsys.readouterr().out
    assert "restart" not in outcome(run)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe to apply, whose state is kept here."""
    monkeypatch.setattr(execute, "_apply_ledger", lambda name: tmp_path / "apply" / "site.jsonl")
    site = tmp_path / "site.py"
    site.write_text(RECIPE)
    return site


def test_apply_stops_until_the_machine_was_restarted_and_then_goes_on_each_time_anew(
    site: Path, tmp_path: Path, capsys: Any
) -> None:
    assert apply_file(site, dry_run=True) == execute.WOULD_CHANGE
    assert apply_file(site, dry_run=False) == 1
    assert "restart it yourself, then apply the recipe once more" in capsys.readouterr().out

    (tmp_path / "apply" / "site.boots").write_text(json.dumps({"new kernel": "another boot"}))
    assert apply_file(site, dry_run=False) == 0
    assert "after\n" in capsys.readouterr().out

    assert apply_file(site, dry_run=False) == 1


def test_apply_says_at_its_end_that_the_machine_wants_a_restart(site: Path, capsys: Any) -> None:
    site.write_text("from toque import reboot\nreboot('new kernel')\n")

    assert apply_file(site, dry_run=False) == 0

    assert (
        "this machine wants to be restarted, and `toque apply` does not do that: new kernel" in capsys.readouterr().out
    )
