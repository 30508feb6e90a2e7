"""Volumes: registered with one stack, on one of its instances at most, while that is stopped (chapter 08 § 3)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from string import ascii_lowercase
from typing import Final

import msgspec

from toque_server.domain.instance import Instance, is_at_rest
from toque_server.domain.invalid import Invalid
from toque_server.domain.raid import RaidArray
from toque_server.domain.volume_configuration import check_mount_point

NAME_LIMIT: Final = 128

CREATING: Final = "creating"
AVAILABLE: Final = "available"
IN_USE: Final = "in-use"

_DEVICES: Final = tuple(f"/dev/sd{letter}" for letter in ascii_lowercase[ascii_lowercase.index("i") :])
"""Those before `sdi` are the root's and the ephemeral ones."""


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """A block device. `size` is in GiB; None is "the provider has not said".

    `ec2_volume_id` is the provider's name for it, None while it is `creating`. `device` is where it is to be found on
    its instance. A disk of a RAID array has the array's id, and no mount point of its own.
    """

    id: str
    stack_id: str
    ec2_volume_id: str | None = None
    instance_id: str | None = None
    raid_array_id: str | None = None
    created_at: datetime
    status: str = AVAILABLE
    name: str | None = None
    mount_point: str | None = None
    device: str | None = None
    size: int | None = None
    volume_type: str | None = None
    iops: int | None = None
    encrypted: bool = False
    availability_zone: str | None = None


def check_provider_id(text: str) -> None:
    """Raise Invalid for what cannot be a provider's name of a volume."""
    if len(text) > 255 or not text.isprintable() or text.strip() != text:
        raise Invalid("Ec2VolumeId must have 1 to 255 printable characters, such as vol-0123456789abcdef0")


def check_name(name: str) -> None:
    """Raise Invalid for a name that is too long, or that cannot be printed."""
    if len(name) > NAME_LIMIT or not name.isprintable():
        raise Invalid(f"Name must have at most {NAME_LIMIT} printable characters, not {len(name)}")


def mounted(volume: Volume, mount_point: str, neighbours: Iterable[Volume | RaidArray]) -> Volume:
    """The volume with this mount point; `neighbours` are on its instance. Raises Invalid.

    On an instance that runs, the new place counts from its next Setup on.
    """
    check_single(volume)
    check_mount_point(mount_point)
    placed = msgspec.structs.replace(volume, mount_point=mount_point)
    _check_free(placed, neighbours)
    return placed


def assigned(volume: Volume, to: Instance, holder: Instance | None, neighbours: Iterable[Volume | RaidArray]) -> Volume:
    """The volume on the instance `to`, under the first free device name.

    `holder` has it now, `neighbours` are on `to`. Raises Invalid unless both instances are at rest, all are of one
    stack, and the volume is a single one that has a mount point which is free there.
    """
    check_single(volume)
    if to.stack_id != volume.stack_id:
        raise Invalid(
            f"volume {volume.id} is registered with another stack than {to.hostname}:"
            " please deregister it there, and register it with this one"
        )
    if to.infrastructure_class == "on-premises":
        raise Invalid(f"{to.hostname} is on-premises: volumes are for instances that a provider runs")
    _check_made(volume)
    if volume.mount_point is None:
        raise Invalid(f"volume {volume.id} has no mount point: please set one with UpdateVolume first")
    for instance in (to, holder):
        if instance is not None:
            check_at_rest(volume, instance)
    neighbours = list(neighbours)
    _check_free(volume, neighbours)
    device = free_device(each.device for each in neighbours)
    return msgspec.structs.replace(volume, instance_id=to.id, device=device, status=IN_USE)


def unassigned(volume: Volume, holder: Instance) -> Volume:
    """The volume on no instance, its mount point kept. Raises Invalid unless it is made, and `holder` at rest."""
    check_single(volume)
    _check_made(volume)
    check_at_rest(volume, holder)
    return detached(volume)


def detached(volume: Volume) -> Volume:
    """The volume without its instance, which is gone or gives it up."""
    return msgspec.structs.replace(volume, instance_id=None, device=None, status=AVAILABLE)


def check_single(volume: Volume) -> None:
    if volume.raid_array_id is not None:
        raise Invalid(f"volume {volume.id} is a disk of RAID array {volume.raid_array_id}, which stays as it is")


def _check_made(volume: Volume) -> None:
    if volume.status == CREATING:
        raise Invalid(f"volume {volume.id} is still being created: please wait until it is {IN_USE}")


def check_at_rest(volume: Volume, instance: Instance) -> None:
    if not is_at_rest(instance):
        raise Invalid(
            f"{instance.hostname} is {instance.status}: please stop it before you assign, unassign or deregister"
            f" volume {volume.id}"
        )


def free_device(taken: Iterable[str | None]) -> str:
    """The first device name that is not taken. Raises Invalid where an instance has as many as it can have.

    >>> free_device(["/dev/sdi", None])
    '/dev/sdj'
    """
    used = set(taken)
    for device in _DEVICES:
        if device not in used:
            return device
    raise Invalid(f"an instance can have {len(_DEVICES)} volumes: please unassign one first")


def _check_free(volume: Volume, neighbours: Iterable[Volume | RaidArray]) -> None:
    for other in neighbours:
        if other.id != volume.id and other.mount_point == volume.mount_point:
            raise Invalid(
                f"MountPoint {volume.mount_point} is that of {other.id} on the same instance: please use another"
            )
