"""Cookbooks on the node after unpacking: listed once, and checked before each run (S8)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from toque.protocol.durable import write_durably

Listing = dict[str, tuple[int, int, str]]
"""From a file's path below the root to its mode, its size in bytes and its SHA-256 in hex."""


def listing(root: Path) -> Listing:
    """Every file below `root`. A link is listed as what it says, not as what it leads to."""
    found: Listing = {}
    for directory, _, files in os.walk(root):
        for name in files:
            path = Path(directory, name)
            status = path.lstat()
            content = bytes(path.readlink()) if path.is_symlink() else path.read_bytes()
            relative = str(path.relative_to(root))
            found[relative] = (status.st_mode & 0o777, status.st_size, hashlib.sha256(content).hexdigest())
    return found


def save_listing(root: Path) -> None:
    """Remember how `root` looks, beside it."""
    write_durably(listing_path(root), msgspec.json.encode(listing(root)))


def listing_path(root: Path) -> Path:
    return root.with_name(f"{root.name}.listing")


def difference(root: Path) -> str:
    """What differs from how `root` was unpacked, as one line for people; empty when nothing does."""
    try:
        wanted = msgspec.json.decode(listing_path(root).read_bytes(), type=Listing)
    except (OSError, msgspec.DecodeError) as wrong:
        return f"the listing of {root.name} cannot be read: {wrong}"
    found = listing(root)
    for path in sorted(wanted.keys() | found.keys()):
        if path not in found:
            return f"{path} is gone"
        if path not in wanted:
            return f"{path} was added"
        if wanted[path] != found[path]:
            return f"{path} was changed"
    return ""
