"""What an instance has, when the instance goes: its address, its volumes, its RAID arrays."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from sqlalchemy import Connection

from toque_server.domain.instance import Instance
from toque_server.domain.volume import detached
from toque_server.store import configures, elastic_ips, events, instances, raid_arrays, volumes


def release(
    conn: Connection,
    instance: Instance,
    *,
    deregister_elastic_ip: bool,
    deregister_volumes: bool,
    at: datetime,
) -> None:
    """Take everything from an instance, before its record is removed. What is not deregistered stays with the stack.

    An array that stays keeps its disks, and its mount point. Where there was an address, every online instance of the
    stack configures.
    """
    instances.held(conn, [instance.id])
    _release_elastic_ip(conn, instance, deregister=deregister_elastic_ip, at=at)
    for volume in volumes.of_instance(conn, instance.id):
        # What its provider has not made is nothing that could stay.
        if deregister_volumes or volume.ec2_volume_id is None:
            volumes.remove(conn, volume)
        else:
            volumes.swap(conn, volume, detached(volume))
    for array in raid_arrays.of_instance(conn, instance.id):
        if volumes.of_raid_array(conn, array.id):
            raid_arrays.update(conn, replace(array, instance_id=None, device=None))
        else:
            raid_arrays.remove(conn, array)


def _release_elastic_ip(conn: Connection, instance: Instance, *, deregister: bool, at: datetime) -> None:
    address = elastic_ips.of_instance(conn, instance.id)
    if address is None:
        return
    if deregister:
        elastic_ips.remove(conn, address)
        what, message = "deregistered", f"{address.ip} was deregistered with {instance.hostname}"
    else:
        elastic_ips.place(conn, address, None)
        what, message = "disassociated", f"{address.ip} is on no instance any more"
    events.add(conn, f"elastic_ip.{what}", message, at=at, stack_id=instance.stack_id, instance_id=instance.id)
    configures.touch(conn, instance.stack_id, at=at, cause=message)
