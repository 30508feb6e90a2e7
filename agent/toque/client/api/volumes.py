"""Operations on volumes. Made by `python -m toque.cli.client_code`."""

from __future__ import annotations

from collections.abc import Sequence

from toque.client.structures import (
    DescribeVolumesResult,
    RegisterVolumeResult,
)
from toque.client.calling import OPSWORKS, Calls


class VolumesCalls(Calls):
    """Operations on volumes."""

    def assign_volume(
        self,
        *,
        volume_id: str,
        instance_id: str | None = None,
    ) -> None:
        """Give a volume to an instance of its stack: that instance, and the one that has it now, must be stopped.

        It needs a mount point (UpdateVolume) that is free on that instance. Its next start attaches and mounts it. Where it
        is there already, this is a success that changes nothing.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("AssignVolume", OPSWORKS, {"VolumeId": volume_id, "InstanceId": instance_id}, reads=False)

    def deregister_volume(
        self,
        *,
        volume_id: str,
    ) -> None:
        """Forget a volume, so that another stack may register it; the volume and what is on it stay as they are.

        An instance that has it must be stopped. Disks of a RAID array are deregistered when no instance has the array any
        more; with the last of them the array is forgotten too.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("DeregisterVolume", OPSWORKS, {"VolumeId": volume_id}, reads=False)

    def describe_volumes(
        self,
        *,
        instance_id: str | None = None,
        stack_id: str | None = None,
        raid_array_id: str | None = None,
        volume_ids: Sequence[str] | None = None,
    ) -> DescribeVolumesResult:
        """Describe the volumes of a stack, an instance or a RAID array, or the named ones.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("DescribeVolumes", OPSWORKS, {"InstanceId": instance_id, "StackId": stack_id, "RaidArrayId": raid_array_id, "VolumeIds": volume_ids}, DescribeVolumesResult, reads=True)

    def register_volume(
        self,
        *,
        stack_id: str,
        ec2_volume_id: str | None = None,
    ) -> RegisterVolumeResult:
        """Register a volume that exists with a stack of Linux instances; the answer is the id by which it goes here.

        `Ec2VolumeId` is what its provider calls it. It must hold an XFS file system, or none; what is on it is kept. A
        volume is registered with one stack at a time: deregister it there before you register it here.

        Raises ValidationException or ResourceNotFoundException.
        """
        return self._ask("RegisterVolume", OPSWORKS, {"StackId": stack_id, "Ec2VolumeId": ec2_volume_id}, RegisterVolumeResult, reads=False)

    def unassign_volume(
        self,
        *,
        volume_id: str,
    ) -> None:
        """Take a volume from its instance, which must be stopped. It stays registered, and keeps its mount point.

        Where no instance has it, this is a success that changes nothing.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UnassignVolume", OPSWORKS, {"VolumeId": volume_id}, reads=False)

    def update_volume(
        self,
        *,
        volume_id: str,
        name: str | None = None,
        mount_point: str | None = None,
    ) -> None:
        """Give a volume a name of at most 128 characters, or a mount point: an absolute directory that is not reserved.

        On an instance that runs, a new mount point counts from its next Setup on.

        Raises ValidationException or ResourceNotFoundException.
        """
        self._do("UpdateVolume", OPSWORKS, {"VolumeId": volume_id, "Name": name, "MountPoint": mount_point}, reads=False)
