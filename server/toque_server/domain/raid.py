"""RAID arrays: several volumes of one instance, used as one disk (chapter 08 § 3)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

MIN_DISKS: Final = {0: 2, 1: 2, 5: 3, 10: 4}
"""RAID levels, and how many disks each needs at least (L-13)."""


class RaidArray(msgspec.Struct, frozen=True, kw_only=True):
    """`size` is in GiB, of the array as a whole; `iops` is per disk. Its disks are volumes with its id."""

    id: str
    stack_id: str
    instance_id: str | None = None
    created_at: datetime
    name: str | None = None
    raid_level: int
    number_of_disks: int
    size: int
    device: str | None = None
    mount_point: str | None = None
    volume_type: str = "standard"
    iops: int | None = None
    availability_zone: str | None = None


def disk_size(level: int | None, disks: int, size: int) -> int:
    """How large each disk must be, in GiB, for an array that holds `size` GiB.

    >>> [disk_size(level, 4, 100) for level in (0, 1, 5, 10)]
    [25, 100, 34, 50]
    """
    match level:
        case 0:
            return -(-size // disks)
        case 5:
            return -(-size // (disks - 1))
        case 10:
            return -(-2 * size // disks)
    return size
