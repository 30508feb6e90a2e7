"""The volumes that a layer gives its new instances (chapter 02 § 10)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import Final

import msgspec

from toque_server.domain.invalid import Invalid
from toque_server.domain.raid import MIN_DISKS, disk_size

SIZES: Final = {
    "standard": (1, 1024),
    "io1": (4, 16384),
    "gp2": (1, 16384),
    "st1": (125, 16384),
    "sc1": (125, 16384),
}
"""GiB per disk, from and to, by volume type."""

RESERVED: Final = (
    *("/srv/www", "/var/log/apache2", "/var/log/httpd", "/var/log/mysql", "/var/www"),
    *("/home", "/root", "/tmp", "/usr", "/var", "/var/lib", "/var/log"),
)
"""Directories that others have: the recipes of built-in layers, the system."""

_SYSTEM: Final = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys"),
    *("/opt/toque", "/var/lib/toque", "/var/log/toque"),
)
"""Nothing may be mounted here, or below: the system, and the agent, need what is there."""

_IOPS_PER_GIB: Final = 30
_PATH_LIMIT: Final = 255


class VolumeConfiguration(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    """`size` is in GiB, and for RAID that of the whole array."""

    mount_point: str
    number_of_disks: int
    size: int
    raid_level: int | None = None
    volume_type: str | None = None
    iops: int | None = None
    encrypted: bool | None = None


def check(volumes: Iterable[VolumeConfiguration]) -> None:
    """Raise Invalid for volumes that could not be made, or would hide something."""
    seen = set[str]()
    for volume in volumes:
        check_mount_point(volume.mount_point)
        if volume.mount_point in seen:
            raise Invalid(f"VolumeConfigurations: two volumes have the mount point {volume.mount_point}")
        seen.add(volume.mount_point)
        _check_raid(volume)
        _check_size(volume)


def check_mount_point(path: str) -> None:
    """Raise Invalid for a path that is relative, reserved, or none at all (08 § 3)."""
    # Two slashes at the beginning are one place to the kernel, and another to normpath.
    absolute = path.startswith("/") and not path.startswith("//") and posixpath.normpath(path) == path
    if not absolute or path == "/" or not path.isprintable():
        raise Invalid(f"MountPoint {path!r} is not an absolute directory such as /vol/data")
    if len(path) > _PATH_LIMIT:
        raise Invalid(f"MountPoint must have at most {_PATH_LIMIT} characters, not {len(path)}")
    within_system = any(path == each or path.startswith(f"{each}/") for each in _SYSTEM)
    if path in RESERVED or within_system or path.startswith("/media/ephemeral"):
        raise Invalid(f"MountPoint {path} is reserved: please use a directory such as /vol/data")


def _check_raid(volume: VolumeConfiguration) -> None:
    if volume.number_of_disks < 1:
        raise Invalid(f"NumberOfDisks of {volume.mount_point} must be at least 1")
    if volume.raid_level is None:
        if volume.number_of_disks > 1:
            raise Invalid(f"RaidLevel is missing: {volume.mount_point} has {volume.number_of_disks} disks")
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
    disk = disk_size(volume.raid_level, volume.number_of_disks, volume.size)
    if not least <= disk <= most:
        of_array = (
            f"; with {volume.size} each of {volume.number_of_disks} disks has {disk}" if disk != volume.size else ""
        )
        raise Invalid(f"Size of a {kind} volume must be {least} to {most} GiB, not {disk}{of_array}")
    if kind == "io1":
        if volume.iops is None:
            raise Invalid(f"Iops is missing: the io1 volume at {volume.mount_point} needs it")
        if not 0 < volume.iops <= _IOPS_PER_GIB * disk:
            raise Invalid(f"Iops of {volume.mount_point} must be 1 to {_IOPS_PER_GIB * disk} (30 per GiB of a disk)")


_LEVELS = ", ".join(map(str, MIN_DISKS))
