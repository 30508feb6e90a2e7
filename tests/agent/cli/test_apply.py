from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import toque
from toque.cli.group import COMMANDS, LazyGroup
from toque.cli.group import toque as program


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(program, arguments)


def test_the_program_applies_a_file_and_answers_with_its_exit_code(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(f"from toque import file\nfile('{tmp_path}/a', content='x')\n")
    (tmp_path / "bad.py").write_text("1 / 0\n")
    environment = {**os.environ, "PYTHONPATH": str(Path(toque.__file__).parent.parent)}

    def called(*arguments: str) -> int:
        command = [sys.executable, "-m", "toque.cli", *arguments]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=False).returncode

    assert called("plan", "good.py") == 10
    assert called("apply", "good.py") == 0
    assert called("plan", "good.py") == 0
    assert called("apply", "bad.py") == 1
    assert called("apply", "nowhere.py") == 2
    assert called("apply", "--help") == 0


def test_attributes_come_from_a_file_and_from_the_command_line(tmp_path: Path) -> None:
    recipe, attributes = tmp_path / "r.py", tmp_path / "a.json"
    recipe.write_text("from toque import node\nprint(node.web.port, node.web.name, node.web.old)\n")
    attributes.write_text('{"web": {"port": 80, "old": true}}')

    result = run("apply", str(recipe), "-a", str(attributes), "-s", "web.port=81", "-s", "web.name=x y")

    assert result.exit_code == 0
    assert result.output.startswith("81 x y True\n")


@pytest.mark.parametrize(("text", "code"), [("[1]", 4), ("{bad", 4)])
def test_06_24_attributes_that_are_no_object_are_bad_data(tmp_path: Path, text: str, code: int) -> None:
    (tmp_path / "r.py").write_text("")
    (tmp_path / "a.json").write_text(text)

    assert run("apply", str(tmp_path / "r.py"), "-a", str(tmp_path / "a.json")).exit_code == code


def test_an_unknown_command_names_the_nearest() -> None:
    result = run("aply", "x")

    assert result.exit_code == 2
    assert "there is no command aply (did you mean apply?)" in result.output


def test_help_lists_the_commands_and_loads_what_it_lists() -> None:
    result = run("--help")

    assert result.exit_code == 0
    assert "Run a recipe on this machine, now." in result.output


def test_it_says_which_version_it_is() -> None:
    result = run("--version")

    assert result.exit_code == 0
    assert result.output.startswith("toque")


def test_a_command_whose_extra_is_missing_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_more.py").write_text("import a_package_nobody_has\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    group = LazyGroup("toque", {"more": "needs_more:command"})

    result = CliRunner().invoke(group, ["more", "--any", "thing"])

    assert result.exit_code == 1
    assert "pip install a_package_nobody_has" in result.output


def test_every_place_names_a_module_and_an_attribute() -> None:
    assert all(place.count(":") == 1 for place in COMMANDS.values())
