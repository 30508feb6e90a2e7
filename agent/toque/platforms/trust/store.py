"""What a store of trusted authorities is made of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Store:
    """`folder` takes more authorities, one a file; `bundle` holds all that are trusted, once `update` has run."""

    folder: str
    suffix: str
    bundle: str
    update: tuple[str, ...]
    update_after_removal: tuple[str, ...]
