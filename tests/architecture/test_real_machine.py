"""Every word of the recipe language is shown to work on a real machine, not only on the one in memory."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.agent.test_every_resource import REGISTRY

BY_WHOLE_DEPLOYMENTS = {"app_release"}
"""Shown by the demo and the lifecycle tests, which deploy real apps, roll them back and take them away."""

SYSTEM = Path(__file__).resolve().parents[1] / "system"


def proved_by(path: Path) -> tuple[str, ...]:
    """The `PROVES = (…)` of a test module."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and [t.id for t in node.targets if isinstance(t, ast.Name)] == ["PROVES"]:
            words: tuple[str, ...] = ast.literal_eval(node.value)
            return words
    return ()


PROVED = {path: proved_by(path) for path in sorted(SYSTEM.glob("test_*.py"))}


def test_every_resource_is_shown_on_a_real_machine() -> None:
    shown = {word for words in PROVED.values() for word in words}

    assert set(REGISTRY) - shown - BY_WHOLE_DEPLOYMENTS == set(), (
        "add a test in tests/system, and the word to its PROVES"
    )


def test_what_a_module_proves_is_said_in_it() -> None:
    for path, words in PROVED.items():
        text = path.read_text()
        assert [word for word in words if f"{word}(" not in text] == [], f"{path.name} names words it never says"
