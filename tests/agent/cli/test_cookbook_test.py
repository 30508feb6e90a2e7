"""`toque cookbook test`: which tests it runs, what it says to people and to programs, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import toque
from toque.cli.cookbook.progress import Lines
from toque.cli.group import toque as program


@pytest.fixture
def web(tmp_path: Path) -> Path:
    root = tmp_path / "web"
    for folder in ("recipes", "tests"):
        (root / folder).mkdir(parents=True)
    (root / "cookbook.toml").write_text('[cookbook]\nname = "web"\n')
    (root / "recipes/default.py").write_text("from toque import file\nfile('/etc/a', content='a')\n")
    (root / "tests/test_web.py").write_text(
        "def test_good(fake_node):\n    fake_node().converge('web').again()\n\n"
        "def test_bad(fake_node):\n    assert fake_node().file('/etc/a').exists\n"
    )
    return root


def cookbook_test(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    sources = str(Path(toque.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": sources, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    argv = [sys.executable, "-m", "toque.cli", "cookbook", "test", *arguments]
    return subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_failing_test_is_told_with_its_place_and_gives_exit_code_1(web: Path) -> None:
    done = cookbook_test(web, "--unit")

    assert done.returncode == 1
    assert "web: unit: FAILED: 1 test passed, 1 failed" in done.stdout
    assert f"{web}/tests/test_web.py:5: tests/test_web.py::test_bad failed" in done.stdout


def test_for_a_program_there_is_one_object_and_nothing_else(web: Path) -> None:
    done = cookbook_test(web, "--unit", "--output", "json")

    told = json.loads(done.stdout)
    [unit] = [each["unit"] for each in told["cookbooks"]]
    assert told["exit_code"] == done.returncode == 1
    assert [(each["outcome"], each["test"]) for each in unit["tests"]] == [
        ("passed", "tests/test_web.py::test_good"),
        ("failed", "tests/test_web.py::test_bad"),
    ]
    assert (unit["tests"][1]["file"], unit["tests"][1]["line"]) == (f"{web}/tests/test_web.py", 5)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seed", "3"], "--seed goes with --break"),
        (["--unit", "--keep"], "leave --unit away"),
        (["--kitchen", "--suite", "defualt"], "cookbook web has no suite defualt (did you mean default?)"),
    ],
    ids=["seed", "keep", "suite"],
)
def test_a_wrong_command_line_is_told_and_gives_exit_code_2(web: Path, arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(program, ["cookbook", "test", str(web), *arguments])

    assert result.exit_code == 2
    assert said in result.output


def test_a_folder_without_a_cookbook_gives_exit_code_2(tmp_path: Path) -> None:
    result = CliRunner().invoke(program, ["cookbook", "test", str(tmp_path)])

    assert result.exit_code == 2
    assert "there is no cookbook in" in result.output
    assert "toque cookbook new" in result.output


def test_in_a_pipe_there_is_a_line_per_step(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(sys.stdout)

    lines.begin("default", "converge")
    lines.end("default", "converge", ok=False, said="", seconds=1.25)
    lines.more("a.py:1: why\nwhat to do")

    assert capsys.readouterr().out == "default: converge: FAILED (1.2 s)\n  a.py:1: why\n  what to do\n"
