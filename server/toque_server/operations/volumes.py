"""Volumes: block devices that a stack keeps, and gives to its instances while they are stopped (chapter 08 § 3).

What stands here is a record: recipes of the instance see it in the bag `opsworks_volume`, and its next Setup mounts it.
Where the stack's provider has volumes it carries out what the record says; elsewhere whoever runs the machines does.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from toque_server.domain.raid import RaidArray
from toque_server.domain.volume import (
    Volume,
    assigned,
    check_at_rest,
    check_name,
    check_provider_id,
    mounted,
    unassigned,
)
from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ThrottlingException, ValidationException
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import events, instances, raid_arrays, stacks, volumes

_RAISES = (ValidationException, ResourceNotFoundException)


class RegisterVolume(Request, frozen=True, kw_only=True):
    stack_id: str
    ec2_volume_id: str | None = None


class VolumeRegistered(Result, frozen=True, kw_only=True):
    volume_id: str


class UpdateVolume(Request, frozen=True, kw_only=True):
    volume_id: str
    name: str | None = None
    mount_point: str | None = None


class AssignVolume(Request, frozen=True, kw_only=True):
    volume_id: str
    instance_id: str | None = None


class UnassignVolume(Request, frozen=True, kw_only=True):
    volume_id: str


class DeregisterVolume(Request, frozen=True, kw_only=True):
    volume_id: str


class DescribeVolumes(Request, frozen=True, kw_only=True):
    instance_id: str | None = None
    stack_id: str | None = None
    raid_array_id: str | None = None
    volume_ids: list[str] | None = None


class VolumeView(Result, frozen=True, kw_only=True):
    """One volume as OpsWorks showed it. `size` is in GiB; what its provider has not said is left out."""

    volume_id: str
    ec2_volume_id: str | None
    name: str | None
    raid_array_id: str | None
    instance_id: str | None
    status: str
    size: int | None
    device: str | None
    mount_point: str | None
    region: str
    availability_zone: str | None
    volume_type: str | None
    iops: int | None
    encrypted: bool


class VolumesDescribed(Result, frozen=True, kw_only=True):
    volumes: list[VolumeView]


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def register_volume(ctx: Context, req: RegisterVolume) -> VolumeRegistered:
    """Register a volume that exists with a stack of Linux instances; the answer is the id by which it goes here.

    `Ec2VolumeId` is what its provider calls it. It must hold an XFS file system, or none; what is on it is kept. A
    volume is registered with one stack at a time: deregister it there before you register it here.
    """
    if req.ec2_volume_id is None:
        raise ValidationException("Ec2VolumeId is required: what the volume's provider calls it", field="Ec2VolumeId")
    check_provider_id(req.ec2_volume_id)
    stack = finding.stack(ctx, req.stack_id)
    if stack.is_windows:
        raise ValidationException(f"stack {stack.name} is a Windows stack: volumes are for Linux instances")
    volume = Volume(id=ctx.new_id(), stack_id=stack.id, ec2_volume_id=req.ec2_volume_id, created_at=ctx.now)
    if not volumes.add(ctx.conn, volume):
        raise ValidationException(f"{req.ec2_volume_id} is registered already: {_home(ctx, req.ec2_volume_id)}")
    _tell(ctx, volume, "registered")
    return VolumeRegistered(volume_id=volume.id)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("volume", "volume_id"), raises=_RAISES)
def update_volume(ctx: Context, req: UpdateVolume) -> None:
    """Give a volume a name of at most 128 characters, or a mount point: an absolute directory that is not reserved.

    On an instance that runs, a new mount point counts from its next Setup on.
    """
    seen = finding.volume(ctx, req.volume_id)
    new = seen
    if req.name is not None:
        check_name(req.name)
        new = replace(new, name=req.name)
    if req.mount_point is not None:
        neighbours: Sequence[Volume | RaidArray] = []
        if seen.instance_id is not None:
            instances.held(ctx.conn, [seen.instance_id])
            neighbours = _on(ctx, seen.instance_id)
        new = mounted(new, req.mount_point, neighbours)
    _swap(ctx, seen, new)


@operation(
    permission=Permission.MANAGE, stack=finding.stacks_of(volume_id="volume", instance_id="instance"), raises=_RAISES
)
def assign_volume(ctx: Context, req: AssignVolume) -> None:
    """Give a volume to an instance of its stack: that instance, and the one that has it now, must be stopped.

    It needs a mount point (UpdateVolume) that is free on that instance. Its next start attaches and mounts it. Where it
    is there already, this is a success that changes nothing.
    """
    if req.instance_id is None:
        raise ValidationException("InstanceId is required: the instance that is to have the volume", field="InstanceId")
    seen = finding.volume(ctx, req.volume_id)
    held = instances.held(ctx.conn, [each for each in (req.instance_id, seen.instance_id) if each is not None])
    if (to := held.get(req.instance_id)) is None:
        raise ResourceNotFoundException(f"Unable to find instance with ID {req.instance_id}")
    if seen.instance_id == to.id:
        return
    holder = held.get(seen.instance_id) if seen.instance_id is not None else None
    _swap(ctx, seen, assigned(seen, to, holder, _on(ctx, to.id)))
    _tell(ctx, seen, "assigned", f" to {to.hostname}", instance_id=to.id)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("volume", "volume_id"), raises=_RAISES)
def unassign_volume(ctx: Context, req: UnassignVolume) -> None:
    """Take a volume from its instance, which must be stopped. It stays registered, and keeps its mount point.

    Where no instance has it, this is a success that changes nothing.
    """
    seen = finding.volume(ctx, req.volume_id)
    if seen.instance_id is None:
        return
    holder = instances.held(ctx.conn, [seen.instance_id]).get(seen.instance_id)
    if holder is None:
        raise _overtaken(seen)
    _swap(ctx, seen, unassigned(seen, holder))
    _tell(ctx, seen, "unassigned", f" from {holder.hostname}", instance_id=holder.id)


@operation(permission=Permission.MANAGE, stack=finding.stack_of("volume", "volume_id"), raises=_RAISES)
def deregister_volume(ctx: Context, req: DeregisterVolume) -> None:
    """Forget a volume, so that another stack may register it; the volume and what is on it stay as they are.

    An instance that has it must be stopped. Disks of a RAID array are deregistered when no instance has the array any
    more; with the last of them the array is forgotten too.
    """
    seen = finding.volume(ctx, req.volume_id)
    if seen.instance_id is not None:
        holder = instances.held(ctx.conn, [seen.instance_id]).get(seen.instance_id)
        if seen.raid_array_id is not None:
            raise ValidationException(
                f"volume {seen.id} is a disk of RAID array {seen.raid_array_id}, which an instance has: it goes with"
                " that instance"
            )
        if holder is not None:
            check_at_rest(seen, holder)
    if not volumes.remove(ctx.conn, seen):
        raise _overtaken(seen)
    if seen.raid_array_id is not None and not volumes.of_raid_array(ctx.conn, seen.raid_array_id):
        for array in raid_arrays.by_ids(ctx.conn, [seen.raid_array_id]).values():
            raid_arrays.remove(ctx.conn, array)
    _tell(ctx, seen, "deregistered", instance_id=seen.instance_id)


@operation(
    permission=Permission.SHOW,
    stack=finding.one_of(stack_id="stack", instance_id="instance", raid_array_id="RAID array", volume_ids="volume"),
    raises=_RAISES,
)
def describe_volumes(ctx: Context, req: DescribeVolumes) -> VolumesDescribed:
    """Describe the volumes of a stack, an instance or a RAID array, or the named ones."""
    if req.volume_ids:
        found = list(volumes.by_ids(ctx.conn, req.volume_ids).values())
    elif req.instance_id is not None:
        found = volumes.of_instance(ctx.conn, req.instance_id)
    elif req.raid_array_id is not None:
        found = volumes.of_raid_array(ctx.conn, req.raid_array_id)
    else:
        found = volumes.of_stacks(ctx.conn, [req.stack_id] if req.stack_id else [])
    homes = stacks.by_ids(ctx.conn, {each.stack_id for each in found})
    return VolumesDescribed(volumes=[_view(each, homes[each.stack_id].region) for each in found])


def _view(volume: Volume, region: str) -> VolumeView:
    same = {name: getattr(volume, name) for name in VolumeView.__struct_fields__ if name in Volume.__struct_fields__}
    return VolumeView(**same, volume_id=volume.id, region=region)


def _on(ctx: Context, instance_id: str) -> list[Volume | RaidArray]:
    """What the instance has: single volumes, disks of arrays, and arrays."""
    return [*volumes.of_instance(ctx.conn, instance_id), *raid_arrays.of_instance(ctx.conn, instance_id)]


def _swap(ctx: Context, seen: Volume, new: Volume) -> None:
    if not volumes.swap(ctx.conn, seen, new):
        raise _overtaken(seen)


def _home(ctx: Context, ec2_volume_id: str) -> str:
    """Where a volume is registered, to those who may know; and what to do."""
    seen = volumes.by_provider_id(ctx.conn, ec2_volume_id)
    known = {each.id for each in access.shown(ctx, "DescribeVolumes")}
    if seen is None or seen.stack_id not in known:
        return "please deregister it with its stack first"
    return f"please deregister volume {seen.id} of stack {seen.stack_id} first"


def _tell(ctx: Context, volume: Volume, what: str, where: str = "", *, instance_id: str | None = None) -> None:
    name = volume.name or volume.ec2_volume_id or volume.id
    message = f"volume {name} was {what}{where}"
    events.add(ctx.conn, f"volume.{what}", message, at=ctx.now, stack_id=volume.stack_id, instance_id=instance_id)


def _overtaken(volume: Volume) -> ThrottlingException:
    return ThrottlingException(f"volume {volume.id} was changed at the same moment: please try again")
