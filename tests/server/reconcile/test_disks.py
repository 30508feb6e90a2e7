"""The volumes that instances get from their layers, where a provider makes volumes (chapter 02 § 10)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from tests.conftest import services_on
from tests.fakes.world import World
from tests.server.operations.calls import Caller
from toque_server.domain.instance import Status
from toque_server.operations.errors import ValidationException
from toque_server.security.keys import ServerKeys
from toque_server.store import volumes

PLAIN = {"MountPoint": "/vol/data", "NumberOfDisks": 1, "Size": 10}
ARRAY = {"MountPoint": "/vol/fast", "NumberOfDisks": 3, "Size": 100, "RaidLevel": 5, "VolumeType": "io1", "Iops": 500}


class Disks:
    """Layer `disks` of stack s-1, instances in it, and what is recorded for them."""

    def __init__(self, world: World, keys: ServerKeys) -> None:
        self.world = world
        self.call = Caller(services_on(world.database, world.services.settings, keys))
        self.layer = self.call.layer("s-1", "disks", VolumeConfigurations=[PLAIN])

    def want(self, *configurations: dict[str, Any]) -> None:
        self.call("UpdateLayer", LayerId=self.layer, VolumeConfigurations=list(configurations))

    def started(self, id: str) -> None:
        if id not in self.world.statuses():
            self.world.instance(id, layer_ids=(self.layer,))
        self.world.start(id)
        self.world.until(lambda: self.world.status(id) is Status.ONLINE, f"{id} online")

    def stopped(self, id: str) -> None:
        self.world.stop(id)
        self.world.until(lambda: self.world.status(id) is Status.STOPPED, f"{id} stopped")

    def volumes(self, id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("DescribeVolumes", InstanceId=id)["Volumes"]
        return found

    def arrays(self, id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("DescribeRaidArrays", InstanceId=id)["RaidArrays"]
        return found

    def mount_points(self, id: str) -> list[str]:
        return [each["MountPoint"] for each in (*self.volumes(id), *self.arrays(id)) if "MountPoint" in each]

    def provider_makes(self, volume_id: str) -> None:
        """What a provider that makes volumes writes when it has made one."""
        with self.world.database.write() as conn:
            seen = volumes.get(conn, volume_id)
            assert seen is not None
            assert volumes.swap(conn, seen, replace(seen, ec2_volume_id=f"vol-{volume_id}", status="in-use"))


@pytest.fixture
def disks(world: World, server_keys: ServerKeys) -> Disks:
    world.provider.makes_volumes = True
    return Disks(world, server_keys)


def test_without_a_provider_that_makes_volumes_none_are_recorded(disks: Disks) -> None:
    disks.world.provider.makes_volumes = False

    disks.started("db-1")

    assert disks.mount_points("db-1") == []


def test_an_instance_gets_its_layer_s_volume_when_it_is_first_started(disks: Disks) -> None:
    disks.started("db-1")

    (volume,) = disks.volumes("db-1")
    volume.pop("VolumeId")
    assert volume == {
        "Name": "Created for db-1",
        "InstanceId": "db-1",
        "Status": "creating",
        "Size": 10,
        "Device": "/dev/sdi",
        "MountPoint": "/vol/data",
        "Region": "us-east-1",
        "VolumeType": "standard",
        "Encrypted": False,
    }


def test_an_array_has_its_disks_and_its_own_mount_point(disks: Disks) -> None:
    disks.want(PLAIN, ARRAY)
    disks.started("db-1")

    (array,) = disks.arrays("db-1")
    members = disks.call("DescribeVolumes", RaidArrayId=array["RaidArrayId"])["Volumes"]
    assert (array["Device"], array["MountPoint"], array["Size"], array["RaidLevel"]) == (
        "/dev/md0",
        "/vol/fast",
        100,
        5,
    )
    assert [(each["Device"], each["Size"], each["Iops"]) for each in members] == [
        ("/dev/sdj", 50, 500),
        ("/dev/sdk", 50, 500),
        ("/dev/sdl", 50, 500),
    ]
    assert not any("MountPoint" in each for each in members)


def test_02_16_a_volume_added_to_the_layer_is_for_new_instances_only(disks: Disks) -> None:
    disks.started("db-1")
    disks.want(PLAIN, ARRAY)
    disks.stopped("db-1")

    disks.started("db-1")
    disks.started("db-2")

    assert disks.mount_points("db-1") == ["/vol/data"]
    assert disks.mount_points("db-2") == ["/vol/data", "/vol/fast"]


def test_a_volume_that_the_layer_lost_stays_with_the_instances_that_have_it(disks: Disks) -> None:
    disks.started("db-1")
    disks.want()
    disks.stopped("db-1")

    disks.started("db-1")

    assert disks.mount_points("db-1") == ["/vol/data"]


def test_a_configured_volume_that_is_not_attached_is_made_anew_and_empty(disks: Disks) -> None:
    disks.started("db-1")
    before = disks.volumes("db-1")[0]["VolumeId"]
    disks.provider_makes(before)
    disks.stopped("db-1")
    disks.call("UnassignVolume", VolumeId=before)

    disks.started("db-1")

    (after,) = disks.volumes("db-1")
    assert (after["VolumeId"] != before, after["Status"], after["MountPoint"]) == (True, "creating", "/vol/data")


def test_another_volume_at_the_mount_point_takes_the_place_of_the_configured_one(disks: Disks) -> None:
    disks.world.instance("db-1", layer_ids=(disks.layer,))
    own = disks.call("RegisterVolume", StackId="s-1", Ec2VolumeId="vol-restored")["VolumeId"]
    disks.call("UpdateVolume", VolumeId=own, MountPoint="/vol/data")
    disks.call("AssignVolume", VolumeId=own, InstanceId="db-1")

    disks.started("db-1")

    assert [each["VolumeId"] for each in disks.volumes("db-1")] == [own]


def test_a_volume_that_is_being_created_is_not_moved_and_may_be_forgotten(disks: Disks) -> None:
    disks.started("db-1")
    disks.stopped("db-1")
    disks.world.instance("db-2", layer_ids=(disks.layer,))
    volume = disks.volumes("db-1")[0]["VolumeId"]

    with pytest.raises(ValidationException, match="is still being created"):
        disks.call("AssignVolume", VolumeId=volume, InstanceId="db-2")
    with pytest.raises(ValidationException, match="is still being created"):
        disks.call("UnassignVolume", VolumeId=volume)
    disks.call("DeregisterVolume", VolumeId=volume)

    assert disks.volumes("db-1") == []


def test_what_was_never_made_does_not_stay_when_its_instance_goes(disks: Disks) -> None:
    disks.want(PLAIN, ARRAY)
    disks.started("db-1")
    made = disks.volumes("db-1")[0]["VolumeId"]
    disks.provider_makes(made)
    disks.stopped("db-1")

    disks.call("DeleteInstance", InstanceId="db-1", DeleteVolumes=False)

    assert [each["VolumeId"] for each in disks.call("DescribeVolumes", StackId="s-1")["Volumes"]] == [made]
    assert disks.call("DescribeRaidArrays", StackId="s-1") == {"RaidArrays": []}


def test_more_volumes_than_an_instance_can_have_fail_its_start_and_say_so(disks: Disks) -> None:
    disks.want(*({"MountPoint": f"/vol/{number}", "NumberOfDisks": 1, "Size": 1} for number in range(19)))
    disks.world.instance("db-1", layer_ids=(disks.layer,))
    disks.world.start("db-1")

    disks.world.until(lambda: disks.world.status("db-1") is Status.START_FAILED, "start_failed")

    assert "can have 18 volumes" in disks.world.get("db-1").reason
    assert disks.volumes("db-1") == []
