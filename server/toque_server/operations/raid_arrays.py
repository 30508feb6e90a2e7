"""RAID arrays: what layers with a RAID configuration gave their instances (chapter 08 § 3); none can be registered."""

from __future__ import annotations

from toque_server.domain.raid import RaidArray
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import raid_arrays


class DescribeRaidArrays(Request, frozen=True, kw_only=True):
    instance_id: str | None = None
    stack_id: str | None = None
    raid_array_ids: list[str] | None = None


class RaidArrayView(Result, frozen=True, kw_only=True):
    """One array as OpsWorks showed it. `size` is in GiB, of the whole array; `iops` is per disk."""

    raid_array_id: str
    instance_id: str | None
    name: str | None
    raid_level: int
    number_of_disks: int
    size: int
    device: str | None
    mount_point: str | None
    availability_zone: str | None
    created_at: str
    stack_id: str
    volume_type: str
    iops: int | None


class RaidArraysDescribed(Result, frozen=True, kw_only=True):
    raid_arrays: list[RaidArrayView]


@operation(
    permission=Permission.SHOW,
    stack=finding.one_of(stack_id="stack", instance_id="instance", raid_array_ids="RAID array"),
    raises=(ValidationException, ResourceNotFoundException),
)
def describe_raid_arrays(ctx: Context, req: DescribeRaidArrays) -> RaidArraysDescribed:
    """Describe the RAID arrays of a stack or an instance, or the named ones."""
    if req.raid_array_ids:
        found = list(raid_arrays.by_ids(ctx.conn, req.raid_array_ids).values())
    elif req.instance_id is not None:
        found = raid_arrays.of_instance(ctx.conn, req.instance_id)
    else:
        found = raid_arrays.of_stacks(ctx.conn, [req.stack_id] if req.stack_id else [])
    return RaidArraysDescribed(raid_arrays=[_view(each) for each in found])


def _view(array: RaidArray) -> RaidArrayView:
    same = {
        name: getattr(array, name) for name in RaidArrayView.__struct_fields__ if name in RaidArray.__struct_fields__
    }
    return RaidArrayView(
        **same | {"raid_array_id": array.id, "created_at": array.created_at.isoformat(timespec="seconds")}
    )
