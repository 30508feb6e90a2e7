"""Archives of cookbooks that strangers made: unpacked strictly, regular files and folders only (S21)."""

from __future__ import annotations

from pathlib import Path

from toque.core.archives import BadArchive, extract

__all__ = ["BadArchive", "unpack"]


def unpack(archive: Path, into: Path, *, name: str) -> None:
    """Unpack into the new folder `into`; `name` is what errors call the archive.

    Raises BadArchive, and then `into` does not exist.
    """
    extract(archive, into, links=False, name=name)
