"""filesystem: a file system on a device that was empty."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from toque.core import BadProperty, Change, Host, NotFound, Resource, recipe_word, resource
from toque.core.files import absolute
from toque.platforms.filesystem import KINDS, HoldsData, check_empty, contents_of, kind_of, size_of

_LABEL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_TOO_SMALL_TO_USE = 8 << 20
"""What may be left at the end of a device: a group of blocks that would hold little more than its own tables."""


@dataclass(frozen=True)
class FilesystemState:
    fstype: str | None
    label: str | None = None
    whole: bool | None = None
    """Whether it uses the whole device."""


@resource("filesystem")
@dataclass(frozen=True)
class Filesystem(Resource[FilesystemState]):
    """Make a file system on an empty device, keep its label, and let it grow with the device.

    device   a block device such as "/dev/vdb" (or a file in place of one), absolute
    fstype   ext2, ext3, ext4, xfs or btrfs
    label    its name, by which it can be mounted (LABEL=…): letters, digits, _ . -
    grow     True: when the device has become larger, so does the file system
    options  more arguments for mkfs of this kind, used only when it is made

    A device that holds anything is never formatted: another file system, partitions, swap, or bytes in its first
    megabyte that are no zeroes end the run with what was found. To remove one is no business of a recipe.

        filesystem("/dev/vdb", fstype="ext4", label="data", grow=True)
        mount("/srv/data", device="LABEL=data", fstype="ext4")
    """

    made: ClassVar[str] = "made"

    device: str
    _: KW_ONLY
    fstype: str = "ext4"
    label: str | None = None
    grow: bool = False
    options: Sequence[str] = ()

    def __post_init__(self) -> None:
        absolute("filesystem", self.device)
        if self.fstype not in KINDS:
            raise BadProperty(f"filesystem fstype must be one of {', '.join(sorted(KINDS))}, got {self.fstype!r}")
        longest = KINDS[self.fstype].longest_label
        if self.label is not None and (not _LABEL.fullmatch(self.label) or len(self.label) > longest):
            raise BadProperty(
                f"filesystem label of {self.fstype} must be 1 to {longest} letters, digits, _ . -, got {self.label!r}"
            )

    def desired(self) -> FilesystemState:
        return FilesystemState(self.fstype, self.label, True if self.grow else None)

    def current(self, host: Host) -> FilesystemState | None:
        if host.entry(self.device) is None:
            return None
        contents = contents_of(host, self.device)
        kind = kind_of(contents)
        if kind is None:
            return None
        if kind != self.fstype:
            return FilesystemState(kind, self.label, self.grow)
        whole = None
        if self.grow:
            room = size_of(host, self.device) - KINDS[self.fstype].size(host, self.device)
            whole = room < _TOO_SMALL_TO_USE
        return FilesystemState(kind, contents.get("LABEL", ""), whole)

    def apply(self, host: Host, change: Change[FilesystemState]) -> None:
        how = KINDS[self.fstype]
        if change.was is None:
            if host.entry(self.device) is None:
                folder, _, name = self.device.rpartition("/")
                raise NotFound("device on this machine called", self.device, _names(host, folder, name))
            check_empty(host, self.device, self.fstype)
            how.make(host, self.device, self.fstype, self.label, self.options)
            return
        if "fstype" in change:
            raise HoldsData(self.device, str(change.was.fstype), self.fstype)
        if "label" in change:
            how.set_label(host, self.device, str(self.label))
        if "whole" in change:
            how.grow(host, self.device)


def _names(host: Host, folder: str, name: str) -> list[str]:
    return [f"{folder}/{each}" for each in host.names_in(folder or "/") if each[:2] == name[:2]]


filesystem = recipe_word(Filesystem)
