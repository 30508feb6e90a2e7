"""`toque cookbook new`: what is made passes its own tests and the tools' strictest checks, and destroys nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import toque
from toque.cli.group import toque as program
from toque.cookbook.layout import load_cookbook


def new(*arguments: str) -> Result:
    return CliRunner().invoke(program, ["cookbook", "new", *arguments])


def test_a_new_cookbook_with_a_new_recipe_and_a_new_resource_passes_everything(tmp_path: Path) -> None:
    made = tmp_path / "web-shop"
    assert new("web-shop", "--folder", str(tmp_path)).exit_code == 0
    assert new("recipe", "virtual-hosts", "--folder", str(made)).exit_code == 0
    assert new("resource", "note", "--folder", str(made)).exit_code == 0

    def passes(*module: str) -> None:
        sources = str(Path(toque.__file__).parent.parent)
        environment = {**os.environ, "PYTHONPATH": sources, "MYPYPATH": sources, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        argv = [sys.executable, "-m", *module]
        done = subprocess.run(argv, cwd=made, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    passes("toque.cli", "cookbook", "test", "--unit")
    passes("toque.cli", "cookbook", "lint")
    passes("toque.cli", "cookbook", "check")
    passes("ruff", "check", "--no-cache", ".")
    passes("ruff", "format", "--no-cache", "--check", ".")
    passes("mypy", "--strict", "--follow-imports=silent", ".")
    info = load_cookbook(made)
    assert {"default", "configure", "deploy", "undeploy", "shutdown", "virtual-hosts"} == set(info.recipes)


def test_a_folder_that_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()

    result = new("web", "--folder", str(tmp_path))

    assert result.exit_code == 1
    assert "is there already: nothing was written" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["web"]
    assert list((tmp_path / "web").iterdir()) == []


def test_a_recipe_that_is_there_is_never_touched(tmp_path: Path) -> None:
    new("web", "--folder", str(tmp_path))
    before = (tmp_path / "web/recipes/deploy.py").read_text()

    result = new("recipe", "deploy", "--folder", str(tmp_path / "web"))

    assert result.exit_code == 1
    assert (tmp_path / "web/recipes/deploy.py").read_text() == before
    assert not (tmp_path / "web/tests/test_deploy.py").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Web"], "'Web' is no name of a cookbook: a small letter"),
        (["../web"], "is no name of a cookbook"),
        (["-x"], "No such option"),
        (["resource", "my-word"], "a resource is a word of Python"),
        (["recipe", "vhosts"], "is no cookbook: it has no cookbook.toml; name the cookbook with --folder"),
        (["recip", "vhosts"], "or `new recipe NAME`"),
        ([], "Missing argument"),
    ],
    ids=["capital", "path", "option", "word", "nowhere", "kind", "nothing"],
)
def test_what_cannot_be_made_is_refused_with_the_rule(tmp_path: Path, arguments: list[str], said: str) -> None:
    result = new(*arguments, "--folder", str(tmp_path))

    assert result.exit_code == 2
    assert said in result.output
    assert list(tmp_path.iterdir()) == []
