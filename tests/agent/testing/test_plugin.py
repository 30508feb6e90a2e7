"""The pytest plugin, as pytest runs it in a process of its own: fixtures, stored plans, coverage, and its price."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import toque


@pytest.fixture
def web(tmp_path: Path) -> Path:
    """A cookbook with a recipe of three resources and a test that asks about the first."""
    root = tmp_path / "web"
    for folder in ("recipes", "tests/kitchen"):
        (root / folder).mkdir(parents=True)
    (root / "cookbook.toml").write_text('[cookbook]\nname = "web"\n')
    recipe = "from toque import file\n\nfile('/etc/a', content='a')\nfile('/etc/b', content='b')\nif False:\n    file('/etc/c')\n"
    (root / "recipes/default.py").write_text(recipe)
    test = """\
        def test_a(fake_node, same_plan):
            node = fake_node()
            node.converge("web")
            assert node.file("/etc/a").text == "a"

        def test_plan(fake_node, same_plan):
            same_plan(fake_node().plan(lambda: None))
        """
    (root / "tests/test_web.py").write_text(textwrap.dedent(test))
    (root / "tests/kitchen/test_machine.py").write_text("def test_never():\n    assert False\n")
    return root


def pytest_in(folder: Path, *arguments: str, python: tuple[str, ...] = ()) -> tuple[int, str]:
    """pytest with our plugin and no other that happens to be installed."""
    environment = {**os.environ, "PYTHONPATH": str(Path(toque.__file__).parent.parent)}
    environment |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    plugin = ["-p", "toque.testing.plugin"]
    argv = [sys.executable, *python, "-m", "pytest", *plugin, *arguments]
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_plan_is_stored_compared_and_stored_anew_where_that_is_asked_for(web: Path) -> None:
    code, said = pytest_in(web)
    assert code == 1
    assert "pytest --toque-update stores this one" in said

    assert pytest_in(web, "--toque-update")[0] == 0
    stored = web / "tests/plans/test_plan.txt"
    assert pytest_in(web)[0] == 0
    stored.write_text("file[/etc/z] would be created\n")
    code, said = pytest_in(web)
    assert code == 1
    assert "-file[/etc/z] would be created" in said


def test_coverage_names_the_resources_that_no_test_touched(web: Path) -> None:
    code, said = pytest_in(web, "--toque-update", "--toque-coverage")

    assert code == 0
    assert "recipes/default.py: 3 resources, 2 run, 1 asked about" in said
    assert "recipes/default.py:4: file('/etc/b') was run, and no test asks about it" in said
    assert "recipes/default.py:6: file('/etc/c') was never run" in said


def test_coverage_of_several_processes_is_put_together(web: Path) -> None:
    pytest.importorskip("xdist")

    code, said = pytest_in(web, "--toque-update", "--toque-coverage", "-p", "xdist", "-n", "2")

    assert code == 0
    assert "recipes/default.py: 3 resources, 2 run, 1 asked about" in said


def test_where_nobody_tests_a_recipe_the_plugin_loads_nothing_of_toque(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    assert sorted(n for n in sys.modules if n.startswith('toque')) == ['toque', 'toque.testing', 'toque.testing.plugin']\n"
    )

    code, said = pytest_in(tmp_path)

    assert code == 0, said
