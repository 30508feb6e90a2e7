"""Which cookbooks a test may name: the one it stands in, those beside it, and those of cookbooks.lock."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from toque.cookbook.layout import MANIFEST
from toque.cookbook.locked import with_locked


def around(test: Path) -> dict[str, Path]:
    """By name. A test in no cookbook has those of the nearest folder above that holds some, or holds `cookbooks/`."""
    own = next((folder for folder in test.parents if (folder / MANIFEST).is_file()), None)
    if own is not None:
        return _found(own.parent, own)
    for folder in test.parents:
        for root in (folder, folder / "cookbooks"):
            if any(root.glob(f"*/{MANIFEST}")):
                return _found(root, root)
    return {}


@cache
def _found(beside: Path, own: Path) -> dict[str, Path]:
    return {**with_locked(beside), **with_locked(own)}
