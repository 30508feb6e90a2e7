"""The shape that lets a newcomer guess: names, places, and nothing left out by accident."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import toque
import toque.resources

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = [path for top in ("agent", "server") for path in (ROOT / top).rglob("*.py")]
WORDS = set(toque.__all__)
FILES = {module.name for module in pkgutil.iter_modules(toque.resources.__path__)}


def test_every_resource_file_is_a_word_that_recipes_can_import() -> None:
    assert FILES <= WORDS, f"add to toque/__init__.py: {sorted(FILES - WORDS)}"


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_word_can_be_imported(word: str) -> None:
    assert getattr(toque, word) is not None


def test_what_an_editor_is_told_is_what_is_there() -> None:
    tree = ast.parse(Path(toque.__file__).read_text())
    told = {name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names}

    assert told - {"TYPE_CHECKING", "Any", "annotations", "import_module"} == WORDS


def test_a_name_that_is_no_word_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no word 'fiel'"):
        _ = toque.fiel


def test_no_module_shadows_a_recipe_word() -> None:
    modules = {module.name for module in pkgutil.iter_modules(toque.__path__)}

    assert not modules & WORDS


def test_no_test_is_left_out_because_of_its_file_name() -> None:
    here = ROOT / "tests"
    strays = [p for p in here.rglob("*.py") if "\ndef test_" in p.read_text() and not p.name.startswith("test_")]

    assert strays == []


def test_every_module_opens_with_a_sentence() -> None:
    assert [path for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))] == []


LISTS_OF_TABLES = {
    ROOT / "server/toque_server/store/tables.py",
    *ROOT.glob("server/**/migrations/versions/*.py"),
    # Made by `python -m toque.cli.client_code`.
    ROOT / "agent/toque/client/structures.py",
    *ROOT.glob("agent/toque/client/api/*.py"),
}


def test_no_file_holds_two_subjects() -> None:
    assert [p for p in SOURCES if p not in LISTS_OF_TABLES and p.read_text().count("\n") > 400] == []


def test_no_function_holds_three() -> None:
    functions = [(p, f) for p in SOURCES for f in ast.walk(ast.parse(p.read_text())) if isinstance(f, ast.FunctionDef)]
    functions = [(p, f) for p, f in functions if p not in LISTS_OF_TABLES]

    assert [f"{p}: {f.name}" for p, f in functions if (f.end_lineno or 0) - f.body[0].lineno >= 60] == []


@pytest.mark.parametrize("heavy", ["jinja2", "yaml", "requests", "click", "luqum", "toque.resources.template"])
def test_applying_files_loads_nothing_that_it_does_not_need(heavy: str) -> None:
    """Loading is most of what a short run takes (DESIGN, chapter 6)."""
    recipe = "import toque.cookbook.execute, toque.resources.file, sys; sys.exit(int(sys.argv[1] in sys.modules))"

    assert subprocess.run([sys.executable, "-c", recipe, heavy], cwd=ROOT / "agent", check=False).returncode == 0
