"""Cookbooks on throw-away machines: a new one passes as it was made, and each way to fail is found and told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import toque
from tests.needs import needs_root
from toque import sandbox

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root()]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The user's cache folder, in which the kitchen keeps its machines; none may be left running."""
    folder = tmp_path_factory.mktemp("cache")
    yield folder
    for machine in folder.glob("toque/kitchen/machines/*"):
        sandbox.remove(machine)


def cookbook(cache: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`toque cookbook …` as a user says it, without the plugins of pytest that happen to be installed here."""
    sources = str(Path(toque.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": sources, "XDG_CACHE_HOME": str(cache)}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    argv = [sys.executable, "-m", "toque.cli", "cookbook", *arguments]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_new_cookbook_passes_its_tests_its_kitchen_and_being_broken(cache: Path, tmp_path: Path) -> None:
    assert cookbook(cache, tmp_path, "new", "web").returncode == 0

    done = cookbook(cache, tmp_path / "web", "test", "--break", "--seed", "1")

    assert done.returncode == 0, done.stdout + done.stderr
    steps = [line.split(":")[1].strip() for line in done.stdout.splitlines() if line.startswith(("web: ", "default: "))]
    assert steps == [
        *("unit", "create", "converge", "converge again", "verify"),
        *("break", "repair", "verify the repair"),
    ]
    assert "default: repair: ok: 5 resources, 3 changed" in done.stdout
    assert list(cache.glob("toque/kitchen/machines/*")) == []


KITCHEN = """\
[[suite]]
name = "restless"
recipes = ["web::restless"]
[[suite]]
name = "careless"
recipes = ["web::careless"]
[[suite]]
name = "failing"
recipes = ["web::failing"]
[[suite]]
name = "wrong"
recipes = ["web::careless"]
verify = "tests/wrong"
"""
RECIPES = {
    "restless": "from toque import execute\nexecute(['true'])\n",
    "careless": (
        "from toque import execute, file\n"
        "file('/srv/once', content='x', not_if=['test', '-e', '/srv/ran'])\n"
        "execute(['touch', '/srv/ran'], creates='/srv/ran')\n"
    ),
    "failing": "from toque import file\nfile('/srv/a', content='a')\nfile('/nowhere/b', content='b')\n",
}


@pytest.fixture(scope="module")
def served(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One cookbook, four suites, each wrong in a way of its own: what became of each, by name."""
    web = tmp_path_factory.mktemp("repository") / "web"
    for folder in ("recipes", "tests/wrong"):
        (web / folder).mkdir(parents=True)
    (web / "cookbook.toml").write_text('[cookbook]\nname = "web"\n')
    (web / "kitchen.toml").write_text(KITCHEN)
    for name, text in RECIPES.items():
        (web / "recipes" / f"{name}.py").write_text(text)
    (web / "tests/wrong/test_wrong.py").write_text("def test_it(host):\n    assert host.file('/srv/twice').exists\n")

    done = cookbook(cache, web, "test", "--kitchen", "--break", "--output", "json")

    told = json.loads(done.stdout)
    assert told["exit_code"] == done.returncode == 3
    return {"web": web, **{each["suite"]: each for each in told["cookbooks"][0]["suites"]}}


def test_a_run_that_changes_something_again_is_told_with_resource_line_and_remedy(served: dict[str, Any]) -> None:
    suite = served["restless"]

    [failure] = suite["failures"]
    assert suite["exit_code"] == 3
    assert (failure["step"], failure["resource"]) == ("converge again", "execute[true]")
    assert failure["source"] == f"{served['web']}/recipes/restless.py:2"
    assert "creates=, unless= or a guard" in failure["text"]


def test_what_a_run_does_not_repair_is_told_with_the_seed_that_shows_it(served: dict[str, Any]) -> None:
    suite = served["careless"]

    [failure] = suite["failures"]
    assert suite["exit_code"] == 4
    assert (failure["step"], failure["resource"]) == ("repair", "file[/srv/once]")
    assert failure["source"] == f"{served['web']}/recipes/careless.py:2"
    assert f"--break --seed {suite['seed']}" in failure["text"]


def test_a_run_that_fails_is_told_with_its_page_and_paths_of_this_machine(served: dict[str, Any]) -> None:
    suite = served["failing"]

    [failure] = suite["failures"]
    assert suite["exit_code"] == 1
    assert failure["source"] == f"{served['web']}/recipes/failing.py:3"
    assert f"{served['web']}/recipes/failing.py:3\n" in failure["text"]
    assert "No such file or directory" in failure["text"]


def test_a_test_of_the_machine_that_fails_is_told_with_its_place(served: dict[str, Any]) -> None:
    suite = served["wrong"]

    [failure] = suite["failures"]
    assert suite["exit_code"] == 1
    assert failure["step"] == "verify"
    assert failure["source"] == f"{served['web']}/tests/wrong/test_wrong.py:2"


def test_a_machine_is_kept_where_that_is_asked_for_and_destroyed_later(cache: Path, served: dict[str, Any]) -> None:
    done = cookbook(cache, served["web"], "test", "--kitchen", "--suite", "restless", "--keep")
    [machine] = cache.glob("toque/kitchen/machines/*")

    assert f"toque.sandbox run {machine}" in done.stdout
    assert sandbox.state(machine) == "running"

    assert cookbook(cache, served["web"], "test", "--destroy").returncode == 0
    assert not machine.exists()
