"""What an instance gets of its layers' volume configurations when it starts (chapter 02 § 10, chapter 08 § 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from toque_server.domain.instance import Instance
from toque_server.domain.raid import RaidArray, disk_size
from toque_server.domain.volume import CREATING, Volume, free_device
from toque_server.domain.volume_configuration import VolumeConfiguration


def missing(
    configurations: Iterable[VolumeConfiguration], attached: Iterable[Volume | RaidArray]
) -> list[VolumeConfiguration]:
    """The configurations at whose mount points nothing is attached; of two with one mount point, the first."""
    taken = {each.mount_point for each in attached}
    left: list[VolumeConfiguration] = []
    for each in configurations:
        if each.mount_point not in taken:
            taken.add(each.mount_point)
            left.append(each)
    return left


def made(
    configurations: Iterable[VolumeConfiguration],
    instance: Instance,
    attached: Sequence[Volume | RaidArray],
    *,
    zone: str | None,
    new_id: Callable[[], str],
    now: datetime,
) -> list[RaidArray | Volume]:
    """The records of volumes and arrays that the instance's provider is to make; an array stands before its disks.

    They are `creating`, and have no provider's id yet. Raises Invalid where the instance would have too many.
    """
    new: list[RaidArray | Volume] = []
    for each in configurations:
        array = None
        if each.raid_level is not None:
            array = _array(each, instance, [*attached, *new], zone=zone, id=new_id(), now=now)
            new.append(array)
        for _ in range(each.number_of_disks):
            volume = Volume(
                id=new_id(),
                stack_id=instance.stack_id,
                instance_id=instance.id,
                raid_array_id=None if array is None else array.id,
                created_at=now,
                status=CREATING,
                name=f"Created for {instance.hostname}",
                mount_point=each.mount_point if array is None else None,
                device=free_device(other.device for other in (*attached, *new)),
                size=disk_size(each.raid_level, each.number_of_disks, each.size),
                volume_type=each.volume_type or "standard",
                iops=each.iops,
                encrypted=bool(each.encrypted),
                availability_zone=zone,
            )
            new.append(volume)
    return new


def _array(
    configuration: VolumeConfiguration,
    instance: Instance,
    attached: Iterable[Volume | RaidArray],
    *,
    zone: str | None,
    id: str,
    now: datetime,
) -> RaidArray:
    assert configuration.raid_level is not None
    taken = {each.device for each in attached}
    device = next(device for number in range(len(taken) + 1) if (device := f"/dev/md{number}") not in taken)
    return RaidArray(
        id=id,
        stack_id=instance.stack_id,
        instance_id=instance.id,
        created_at=now,
        name=f"Created for {instance.hostname}",
        raid_level=configuration.raid_level,
        number_of_disks=configuration.number_of_disks,
        size=configuration.size,
        device=device,
        mount_point=configuration.mount_point,
        volume_type=configuration.volume_type or "standard",
        iops=configuration.iops,
        availability_zone=zone,
    )
