"""How file systems are made, named and grown: one file per kind.

A new one is a file here with a class like `Ext`, and a line in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from toque.core import Host
from toque.platforms.filesystem.btrfs import Btrfs
from toque.platforms.filesystem.contents import HoldsData, check_empty, contents_of, kind_of, size_of
from toque.platforms.filesystem.ext import Ext
from toque.platforms.filesystem.xfs import Xfs

__all__ = ["KINDS", "Filesystems", "HoldsData", "check_empty", "contents_of", "kind_of", "size_of"]


class Filesystems(Protocol):
    """A kind of file system. Labels are checked by whoever calls."""

    longest_label: int

    def make(self, host: Host, device: str, fstype: str, label: str | None, options: Sequence[str]) -> None:
        """Make a new one on a device that is empty."""

    def size(self, host: Host, device: str) -> int:
        """The bytes of the device that it uses."""

    def grow(self, host: Host, device: str) -> None:
        """Have it use the whole device."""

    def set_label(self, host: Host, device: str, label: str) -> None: ...


KINDS: dict[str, Filesystems] = {"btrfs": Btrfs(), "ext2": Ext(), "ext3": Ext(), "ext4": Ext(), "xfs": Xfs()}
