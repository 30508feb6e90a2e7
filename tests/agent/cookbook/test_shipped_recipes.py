"""Every recipe that we ship uses the recipe words as they are: held against their signatures, and not run."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import toque

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(
    path
    for folder in ("cookbooks", "examples/demo-cookbooks")
    for path in (ROOT / folder).rglob("*.py")
    if "tests" not in path.parts
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_call_of_a_word_fits_its_signature(path: Path) -> None:
    tree = ast.parse(path.read_text())
    words = {
        alias.asname or alias.name: getattr(toque, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "toque"
        for alias in node.names
    }

    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        word = words.get(call.func.id) if isinstance(call.func, ast.Name) else None
        spread = any(isinstance(arg, ast.Starred) for arg in call.args) or any(not each.arg for each in call.keywords)
        if not inspect.isfunction(word) or spread:
            continue
        given = {each.arg: each.value for each in call.keywords if each.arg}
        try:
            inspect.signature(word).bind(*call.args, **given)
        except TypeError as wrong:
            pytest.fail(f"{path}:{call.lineno}: {ast.unparse(call)}: {wrong}")
