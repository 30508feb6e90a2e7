"""What a node knows of itself, collected when first asked for.

`collect("cpu")` imports the module of that fact and asks it; without `node.cpu`, nothing reads /proc/cpuinfo.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

FACTS = ("cpu", "memory", "network", "platform")


def collect(name: str) -> Any:
    """A fact by name, collected anew. Raises AttributeError for a name that is no fact."""
    if name not in FACTS:
        raise AttributeError(f"there is no fact {name!r}; there are {', '.join(FACTS)}")
    return import_module(f"toque.facts.{name}").collect()
