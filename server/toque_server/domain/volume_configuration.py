"""The volumes that a layer gives its new instances (chapter 02 § 10)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Final

import msgspec

from toque_server.domain.invalid import Invalid

SIZES: Final = {
    "standard": (1, 1024),
    "io1": (4, 16384),
    "gp2": (1, 16384),
    "st1": (125, 16384),
    "sc1": (125, 16384),
}
"""GiB per disk, from and to, by volume type."""

RESERVED: Final = ("/srv/www", "/var/log/apache2", "/var/log/httpd", "/var/log/mysql", "/var/www", "/home", "/etc")

MIN_DISKS: Final = {0: 2, 1: 2, 5: 3, 10: 4}
"""RAID levels, and how many disks each needs at least (L-13)."""

_IOPS_PER_GIB = 30


class VolumeConfiguration(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    """`size` is in GiB, and for RAID that of the whole array."""

    mount_point: str
    number_of_disks: int
    size: int
    raid_level: int | None = None
    volume_type: str | None = None
    iops: int | None = None
    encrypted: bool | None = None


def disk_size(volume: VolumeConfiguration) -> int:
    """GiB of each disk: an array's size is that of all its disks together.

    >>> disk_size(VolumeConfiguration("/vol/data", number_of_disks=4, size=100, raid_level=10))
    25
    """
    return volume.size if volume.raid_level is None else -(-volume.size // volume.number_of_disks)


def check(volumes: Iterable[VolumeConfiguration]) -> None:
    """Raise Invalid for volumes that could not be made, or would hide something."""
    seen = set[str]()
    for volume in volumes:
        _check_mount_point(volume.mount_point)
        if volume.mount_point in seen:
            raise Invalid(f"VolumeConfigurations: two volumes have the mount point {volume.mount_point}")
        seen.add(volume.mount_point)
        _check_raid(volume)
        _check_size(volume)


def _check_mount_point(path: str) -> None:
    if not path.startswith("/") or posixpath.normpath(path) != path or path == "/" or not path.isprintable():
        raise Invalid(f"MountPoint {path!r} is not an absolute directory such as /vol/data")
    if path in RESERVED or path.startswith("/media/ephemeral"):
        raise Invalid(f"MountPoint {path} is reserved: please use a directory such as /vol/data")


def _check_raid(volume: VolumeConfiguration) -> None:
    if volume.number_of_disks < 1:
        raise Invalid(f"NumberOfDisks of {volume.mount_point} must be at least 1")
    if volume.raid_level is None:
        return
    if volume.raid_level not in MIN_DISKS:
        raise Invalid(f"RaidLevel {volume.raid_level} is unknown: please use one of {_LEVELS}")
    if volume.number_of_disks < (least := MIN_DISKS[volume.raid_level]):
        raise Invalid(f"RaidLevel {volume.raid_level} needs at least {least} disks, not {volume.number_of_disks}")


def _check_size(volume: VolumeConfiguration) -> None:
    kind = volume.volume_type or "standard"
    if kind not in SIZES:
        raise Invalid(f"VolumeType {kind!r} is unknown: please use one of {', '.join(SIZES)}")
    least, most = SIZES[kind]
    size = disk_size(volume)
    if not least <= size <= most:
        raise Invalid(f"Size of a {kind} volume must be {least} to {most} GiB per disk, not {size}")
    if kind == "io1":
        if volume.iops is None:
            raise Invalid(f"Iops is missing: the io1 volume at {volume.mount_point} needs it")
        if not 0 < volume.iops <= _IOPS_PER_GIB * size:
            raise Invalid(f"Iops of {volume.mount_point} must be 1 to {_IOPS_PER_GIB * size} (30 per GiB)")


_LEVELS = ", ".join(map(str, MIN_DISKS))
