from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from toque import sandbox
from toque.daemon.shim import _carrier
from toque.preview import node
from toque.protocol.messages import RunStep
from toque.protocol.names import SOMETHING_TO_DO


def a_run(place: Path, recipe: str, phase: str = "plan") -> Path:
    """A run directory as an agent makes it, with one recipe."""
    directory = place / "runs" / "c-1"
    recipes = directory / "cookbooks" / "custom" / "web" / "recipes"
    recipes.mkdir(parents=True)
    (recipes.parent / "cookbook.toml").write_text('[cookbook]\nname = "web"\nversion = "1.0.0"\n')
    (recipes / "default.py").write_text(recipe)
    (directory / "cookbooks" / "builtin").mkdir()
    (directory / "steps.json").write_text(json.dumps([{"phase": phase, "recipes": ["web::default"]}]))
    (directory / "snapshot.json").write_text('{"bags": {}, "levels": [], "self": {}}')
    return directory


def outcome(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "outcome.json").read_text())
    return found


def test_a_plan_changes_nothing_and_says_that_there_is_something_to_do(tmp_path: Path, capsys: Any) -> None:
    run = a_run(tmp_path, f"from toque import file\nfile('{tmp_path}/a', content='x')\n")

    assert node.plan(run) == 0

    assert not (tmp_path / "a").exists()
    assert "would be created" in capsys.readouterr().out
    assert outcome(run)["reason"] == SOMETHING_TO_DO
    assert not {"desired.json", "ledger.jsonl"} & {path.name for path in tmp_path.iterdir()}


def test_a_plan_with_nothing_to_do_says_nothing(tmp_path: Path) -> None:
    run = a_run(tmp_path, "print('x')\n")

    assert node.plan(run) == 0
    assert outcome(run)["reason"] == ""


def test_a_plan_that_fails_fails(tmp_path: Path) -> None:
    run = a_run(tmp_path, "1 / 0\n")

    assert node.plan(run) == 1
    assert outcome(run)["reason"] == "recipe web::default failed"


def test_where_no_clone_can_be_made_the_plan_fails_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    run = a_run(tmp_path, "print('must not run')\n", "plan_on_clone")
    monkeypatch.setattr(sandbox, "ready", lambda: sandbox.Refusal("no namespaces here", "be root"), raising=False)

    assert node.plan_in_clone(run) == 1

    said = capsys.readouterr().out
    assert "no clone can be made on this node: no namespaces here; be root" in said
    assert "a plan without --clone is a dry run" in said
    assert "must not run" not in said
    assert outcome(run)["reason"] == node.NO_CLONE


@pytest.mark.parametrize(
    ("phases", "name"),
    [({"system", "custom"}, "execute_run"), ({"plan"}, "plan"), ({"custom", "plan_on_clone"}, "plan_in_clone")],
    ids=["run", "plan", "clone"],
)
def test_the_steps_say_whether_a_run_only_plans(phases: Any, name: str) -> None:
    assert getattr(_carrier(phases), "__name__") == name  # noqa: B009 (mypy: a callable need not have one)


def test_an_agent_refuses_a_phase_that_it_does_not_know() -> None:
    with pytest.raises(msgspec.ValidationError, match="phase"):
        msgspec.convert({"phase": "plan_twice", "recipes": []}, RunStep)
