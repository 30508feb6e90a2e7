"""Volumes and RAID arrays."""

from __future__ import annotations

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World
from tests.server.made import NOW
from toque_server.domain.raid import RaidArray
from toque_server.domain.volume import Volume
from toque_server.store import raid_arrays, volumes

ARRAY = "22222222-0000-4000-8000-000000000000"


def _array(w: World, stack: str, instance: str) -> None:
    """What a provider that makes disks writes: one array of one disk, in full."""
    both = {"stack_id": stack, "instance_id": instance, "created_at": NOW, "volume_type": "io1", "iops": 100}
    whole = {"name": "Created for front1", "device": "/dev/md0", "mount_point": "/srv/raid"}
    disk = {"ec2_volume_id": "vol-disk", "device": "/dev/sdi", "size": 10, "status": "in-use"}
    zone = {"availability_zone": "us-east-1a"}
    with w.services.database.write() as conn:
        raid_arrays.add(conn, RaidArray(id=ARRAY, raid_level=0, number_of_disks=1, size=10, **both, **whole, **zone))
        assert volumes.add(conn, Volume(id="disk", raid_array_id=ARRAY, **both, **disk, **zone))


def _volume(w: World, stack: str, ec2: str = "vol-0a1b2c3d", mounted: bool = True) -> str:
    volume: str = w("RegisterVolume", StackId=stack, Ec2VolumeId=ec2)["VolumeId"]
    if mounted:
        w("UpdateVolume", VolumeId=volume, Name="data", MountPoint="/srv/data")
    return volume


@case("RegisterVolume")
def register(w: World) -> Case:
    stack, other = w.stack(), w.stack(Name="other")
    _volume(w, other, "vol-taken")
    return Case(
        minimal={"StackId": stack, "Ec2VolumeId": "vol-0a1b2c3d"},
        invalid=[({"StackId": stack}, "Ec2VolumeId"), ({"StackId": stack, "Ec2VolumeId": "vol-taken"}, "vol-taken")],
        missing=[({"StackId": NOWHERE, "Ec2VolumeId": "vol-1"}, NOWHERE)],
    )


@case("UpdateVolume")
def update(w: World) -> Case:
    volume = _volume(w, w.stack(), mounted=False)
    return Case(
        minimal={"VolumeId": volume},
        fuller=[{"VolumeId": volume, "Name": "data", "MountPoint": "/srv/data"}],
        invalid=[({"VolumeId": volume, "MountPoint": "data"}, "MountPoint"), ({"VolumeId": volume, "Name": "x" * 129}, "Name")],
        missing=[({"VolumeId": NOWHERE}, NOWHERE)],
    )  # fmt: skip


@case("AssignVolume")
def assign(w: World) -> Case:
    stack = w.stack()
    layer = w.layer(stack)
    instance, online = w.instance(stack, layer), w.instance(stack, layer)
    w.inside.bring_online(online)
    bare = _volume(w, stack, "vol-bare", mounted=False)
    other = _volume(w, stack, "vol-other")
    return Case(
        minimal={"VolumeId": _volume(w, stack), "InstanceId": instance},
        invalid=[({"VolumeId": other}, "InstanceId"), ({"VolumeId": bare, "InstanceId": instance}, "mount point"), ({"VolumeId": other, "InstanceId": online}, "please stop it")],
        missing=[({"VolumeId": NOWHERE, "InstanceId": instance}, NOWHERE), ({"VolumeId": other, "InstanceId": NOWHERE}, NOWHERE)],
    )  # fmt: skip


@case("UnassignVolume")
def unassign(w: World) -> Case:
    stack = w.stack()
    instance, volume = w.instance(stack, w.layer(stack)), _volume(w, stack)
    w("AssignVolume", VolumeId=volume, InstanceId=instance)
    return Case(
        minimal={"VolumeId": volume},
        missing=[({"VolumeId": NOWHERE}, NOWHERE)],
    )


@case("DeregisterVolume")
def deregister(w: World) -> Case:
    return Case(minimal={"VolumeId": _volume(w, w.stack())}, missing=[({"VolumeId": NOWHERE}, NOWHERE)])


@case("DescribeVolumes")
def describe_volumes(w: World) -> Case:
    stack = w.stack()
    instance, volume = w.instance(stack, w.layer(stack)), _volume(w, stack)
    w("AssignVolume", VolumeId=volume, InstanceId=instance)
    _array(w, stack, instance)
    return Case(
        minimal={"StackId": stack},
        fuller=[{"InstanceId": instance}, {"VolumeIds": [volume]}, {"RaidArrayId": ARRAY}],
        invalid=[({}, "Please provide"), ({"StackId": stack, "InstanceId": instance}, "Please provide")],
        missing=[({"StackId": NOWHERE}, NOWHERE), ({"InstanceId": NOWHERE}, NOWHERE), ({"VolumeIds": [NOWHERE]}, NOWHERE)],
    )  # fmt: skip


@case("DescribeRaidArrays")
def describe_raid_arrays(w: World) -> Case:
    stack = w.stack()
    instance = w.instance(stack, w.layer(stack))
    _array(w, stack, instance)
    return Case(
        minimal={"StackId": stack},
        fuller=[{"InstanceId": instance}, {"RaidArrayIds": [ARRAY]}],
        invalid=[({}, "Please provide"), ({"StackId": stack, "InstanceId": instance}, "Please provide")],
        missing=[({"StackId": NOWHERE}, NOWHERE), ({"RaidArrayIds": [NOWHERE]}, NOWHERE)],
    )
