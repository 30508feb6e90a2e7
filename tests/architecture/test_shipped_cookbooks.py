"""What we ship is a model for what users write: our own tools have nothing to say of it."""

from __future__ import annotations

from pathlib import Path

import pytest

import toque
from toque.cookbook.layout import find_cookbooks
from toque.cookbook.lint import lint_cookbook
from toque.cookbook.lint.rules.running import INSTEAD

SHIPPED = find_cookbooks(Path(__file__).resolve().parents[2] / "cookbooks")


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_our_own_rules_are_kept(name: str) -> None:
    found = [f"{each.path.name}:{each.line} {each.rule} {each.message}" for each in lint_cookbook(SHIPPED[name])]

    assert found == []


def test_what_lint_recommends_are_words() -> None:
    assert set(INSTEAD.values()) <= set(toque.__all__)
