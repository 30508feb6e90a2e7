"""Testing for recipe authors: the pytest plugin with a node in memory, and the kitchen with real machines.

    from toque.testing import FakeNode, MakeNode, Stopped      # for annotations, and for pytest.raises

Names are bound when they are first used: pytest loads the plugin everywhere, also where nobody tests a recipe.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toque.testing.node import FakeNode, MakeNode
    from toque.testing.runs import FakeRun, Stopped, Touched
    from toque.testing.snapshots import SamePlan

__all__ = ["FakeNode", "FakeRun", "MakeNode", "SamePlan", "Stopped", "Touched"]

_HOMES = {
    "FakeNode": "node",
    "FakeRun": "runs",
    "MakeNode": "node",
    "SamePlan": "snapshots",
    "Stopped": "runs",
    "Touched": "runs",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
