"""Volumes and RAID arrays: what may be registered, assigned and forgotten, and when (chapter 08 §§ 1 and 3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.server.operations.calls import Caller
from toque_server.domain import bags
from toque_server.domain.instance import Status
from toque_server.domain.raid import RaidArray
from toque_server.domain.volume import Volume
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.store import configures, instances, raid_arrays, volumes, world

EC2_ID = "vol-0123456789abcdef0"


class Shop:
    """A stack of two stopped instances, `one` and `two`, and a volume that has a mount point."""

    def __init__(self, root: Caller) -> None:
        self.root = root
        self.stack = root.stack()
        self.layer = root.layer(self.stack)
        self.one, self.two = (root.instance(self.stack, self.layer) for _ in range(2))
        self.volume = self.registered(EC2_ID, "/vol/data")

    def registered(self, ec2_volume_id: str, mount_point: str | None = None) -> str:
        id = str(self.root("RegisterVolume", StackId=self.stack, Ec2VolumeId=ec2_volume_id)["VolumeId"])
        if mount_point is not None:
            self.root("UpdateVolume", VolumeId=id, MountPoint=mount_point)
        return id

    def assign(self, instance_id: str, volume_id: str | None = None) -> None:
        self.root("AssignVolume", VolumeId=volume_id or self.volume, InstanceId=instance_id)

    def shown(self, volume_id: str | None = None) -> dict[str, Any]:
        found: dict[str, Any] = self.root("DescribeVolumes", VolumeIds=[volume_id or self.volume])["Volumes"][0]
        return found

    def array(self, instance_id: str | None, id: str = "raid-1") -> list[str]:
        """An array as a provider would have made it; the ids of its two disks."""
        now = datetime(2030, 1, 1, tzinfo=UTC)
        made = RaidArray(
            id=id,
            stack_id=self.stack,
            instance_id=instance_id,
            created_at=now,
            name="Created for app1",
            raid_level=0,
            number_of_disks=2,
            size=100,
            device="/dev/md0",
            mount_point="/vol/fast",
        )
        disks = [
            Volume(
                id=f"{id}-disk-{number}",
                stack_id=self.stack,
                ec2_volume_id=f"vol-{id}-{number}",
                instance_id=instance_id,
                raid_array_id=id,
                created_at=now,
                status="in-use",
                device=f"/dev/sd{'ij'[number]}",
                size=50,
            )
            for number in range(2)
        ]
        with self.root.services.database.write() as conn:
            raid_arrays.add(conn, made)
            assert all(volumes.add(conn, disk) for disk in disks)
        return [disk.id for disk in disks]

    def make(self, instance_id: str, **changes: Any) -> None:
        with self.root.services.database.write() as conn:
            seen = instances.get(conn, instance_id)
            assert seen is not None
            assert instances.swap(conn, seen, msgspec.structs.replace(seen, **changes))


@pytest.fixture
def shop(root: Caller) -> Shop:
    return Shop(root)


@pytest.fixture
def shop_on_either(root_on_either: Caller) -> Shop:
    return Shop(root_on_either)


# -- registering -------------------------------------------------------------------------------------------------------


def test_a_volume_is_registered_and_shown_with_what_is_known_of_it(shop_on_either: Shop) -> None:
    shop = shop_on_either
    shop.root("UpdateVolume", VolumeId=shop.volume, Name="orders")

    assert shop.shown() == {
        "VolumeId": shop.volume,
        "Ec2VolumeId": EC2_ID,
        "Name": "orders",
        "Status": "available",
        "MountPoint": "/vol/data",
        "Region": "local",
        "Encrypted": False,
    }


def test_08_1_a_volume_is_registered_with_one_stack_at_a_time(shop_on_either: Shop) -> None:
    shop = shop_on_either
    second = shop.root.stack(Name="other")

    for stack in (shop.stack, second):
        with pytest.raises(ValidationException, match=f"registered already: please deregister volume {shop.volume}"):
            shop.root("RegisterVolume", StackId=stack, Ec2VolumeId=EC2_ID)

    shop.root("DeregisterVolume", VolumeId=shop.volume)
    assert shop.root("RegisterVolume", StackId=second, Ec2VolumeId=EC2_ID)["VolumeId"] != shop.volume


def test_who_may_not_see_the_other_stack_is_not_told_which_it_is(shop: Shop) -> None:
    own = shop.root.stack(Name="own")
    ann = shop.root.as_user("ann")
    shop.root("CreateUserProfile", IamUserArn=ann.principal.arn)
    shop.root("SetPermission", StackId=own, IamUserArn=ann.principal.arn, Level="manage")

    with pytest.raises(ValidationException, match="please deregister it with its stack first"):
        ann("RegisterVolume", StackId=own, Ec2VolumeId=EC2_ID)


@pytest.mark.parametrize("ec2_volume_id", ["", " vol-1", "vol\n1", "v" * 256], ids=["none", "space", "line", "long"])
def test_what_cannot_be_a_volume_is_not_registered(shop: Shop, ec2_volume_id: str) -> None:
    with pytest.raises(ValidationException, match="Ec2VolumeId"):
        shop.root("RegisterVolume", StackId=shop.stack, Ec2VolumeId=ec2_volume_id)


def test_a_windows_stack_has_no_volumes(root: Caller) -> None:
    stack = root.stack(DefaultOs="Microsoft Windows Server 2012 R2 Base")

    with pytest.raises(ValidationException, match="Windows stack: volumes are for Linux"):
        root("RegisterVolume", StackId=stack, Ec2VolumeId=EC2_ID)


# -- names and mount points --------------------------------------------------------------------------------------------


def test_08_4_a_volume_s_name_has_at_most_128_characters(shop: Shop) -> None:
    shop.root("UpdateVolume", VolumeId=shop.volume, Name="n" * 128)

    with pytest.raises(ValidationException, match="Name must have at most 128 printable characters, not 129"):
        shop.root("UpdateVolume", VolumeId=shop.volume, Name="n" * 129)


@pytest.mark.parametrize(
    "mount_point",
    [
        *("/srv/www", "/var/www", "/var/log/mysql", "/var/log/apache2", "/var/log/httpd"),
        *(
            "/etc",
            "/etc/ssl",
            "/home",
            "/usr",
            "/proc/1",
            "/dev",
            "/var/lib",
            "/var/lib/toque/runs",
            "/media/ephemeral0",
        ),
    ],
)
def test_08_7_a_reserved_mount_point_is_rejected(shop: Shop, mount_point: str) -> None:
    with pytest.raises(ValidationException, match=f"MountPoint {mount_point} is reserved: please use"):
        shop.root("UpdateVolume", VolumeId=shop.volume, MountPoint=mount_point)


@pytest.mark.parametrize(
    "mount_point", ["vol/data", "/", "//vol", "/vol/../etc", "/vol/", "/vol\n/data", "/" + "v" * 255]
)
def test_a_mount_point_is_an_absolute_directory(shop: Shop, mount_point: str) -> None:
    with pytest.raises(ValidationException, match="MountPoint"):
        shop.root("UpdateVolume", VolumeId=shop.volume, MountPoint=mount_point)


@pytest.mark.parametrize("mount_point", ["/vol/data", "/home/shop", "/var/lib/mysql", "/mnt/disk1", "/bindings"])
def test_what_is_not_reserved_may_be_a_mount_point(shop: Shop, mount_point: str) -> None:
    shop.root("UpdateVolume", VolumeId=shop.volume, MountPoint=mount_point)

    assert shop.shown()["MountPoint"] == mount_point


def test_two_volumes_of_an_instance_have_two_mount_points(shop: Shop) -> None:
    shop.assign(shop.one)
    same, other = shop.registered("vol-2", "/vol/data"), shop.registered("vol-3", "/vol/more")

    with pytest.raises(ValidationException, match=f"MountPoint /vol/data is that of {shop.volume} on the same"):
        shop.assign(shop.one, same)
    shop.assign(shop.one, other)
    with pytest.raises(ValidationException, match=f"MountPoint /vol/data is that of {shop.volume} on the same"):
        shop.root("UpdateVolume", VolumeId=other, MountPoint="/vol/data")
    shop.assign(shop.two, same)


# -- assigning ---------------------------------------------------------------------------------------------------------


def test_a_volume_is_assigned_and_unassigned_and_no_event_follows(shop_on_either: Shop) -> None:
    shop = shop_on_either
    second = shop.registered("vol-2", "/vol/more")

    shop.assign(shop.one)
    shop.assign(shop.one, second)

    shown = [(each["InstanceId"], each["Status"], each["Device"]) for each in map(shop.shown, (shop.volume, second))]
    assert shown == [(shop.one, "in-use", "/dev/sdi"), (shop.one, "in-use", "/dev/sdj")]
    with shop.root.services.database.read() as conn:
        assert configures.get(conn, shop.stack) is None
    shop.root("UnassignVolume", VolumeId=shop.volume)
    assert shop.shown().items() >= {"Status": "available", "MountPoint": "/vol/data"}.items()
    assert shop.shown().keys().isdisjoint({"InstanceId", "Device"})


def test_08_5_a_volume_without_a_mount_point_is_not_assigned(shop: Shop) -> None:
    bare = shop.registered("vol-2")

    with pytest.raises(ValidationException, match="has no mount point: please set one with UpdateVolume first"):
        shop.assign(shop.one, bare)


def test_08_5_a_volume_is_not_assigned_to_an_instance_that_is_online(shop: Shop) -> None:
    shop.root.bring_online(shop.one)

    with pytest.raises(ValidationException, match="app1 is online: please stop it before you assign"):
        shop.assign(shop.one)


def test_a_volume_does_not_leave_an_instance_that_is_online(shop: Shop) -> None:
    shop.assign(shop.one)
    shop.root.bring_online(shop.one)

    for call in (
        lambda: shop.assign(shop.two),
        lambda: shop.root("UnassignVolume", VolumeId=shop.volume),
        lambda: shop.root("DeregisterVolume", VolumeId=shop.volume),
    ):
        with pytest.raises(ValidationException, match="app1 is online: please stop it"):
            call()
    assert shop.shown()["InstanceId"] == shop.one


def test_an_instance_that_a_heal_is_about_to_start_is_not_stopped(shop: Shop) -> None:
    shop.make(shop.one, heal_id="heal-1")

    with pytest.raises(ValidationException, match="please stop it"):
        shop.assign(shop.one)


def test_a_volume_moves_between_instances_that_are_both_stopped(shop_on_either: Shop) -> None:
    shop = shop_on_either
    shop.assign(shop.one)
    shop.assign(shop.two)

    assert shop.shown()["InstanceId"] == shop.two
    assert shop.root("DescribeVolumes", InstanceId=shop.one) == {"Volumes": []}


def test_what_is_so_already_is_a_success_whatever_the_status(shop: Shop) -> None:
    shop.root("UnassignVolume", VolumeId=shop.volume)
    shop.assign(shop.one)
    shop.root.bring_online(shop.one)

    shop.assign(shop.one)


def test_on_premises_machines_have_no_volumes(shop: Shop) -> None:
    shop.make(shop.one, infrastructure_class="on-premises")

    with pytest.raises(ValidationException, match="app1 is on-premises: volumes are for instances"):
        shop.assign(shop.one)


def test_a_volume_stays_in_its_stack(shop: Shop) -> None:
    elsewhere = shop.root.stack(Name="other")
    stranger = shop.root.instance(elsewhere, shop.root.layer(elsewhere))

    with pytest.raises(ValidationException, match="registered with another stack than app1: please deregister it"):
        shop.assign(stranger)


def test_an_instance_can_have_eighteen_volumes(shop: Shop) -> None:
    for number in range(18):
        shop.assign(shop.one, shop.registered(f"vol-{number}", f"/vol/{number}"))

    assert shop.root("DescribeVolumes", InstanceId=shop.one)["Volumes"][-1]["Device"] == "/dev/sdz"
    with pytest.raises(ValidationException, match="can have 18 volumes: please unassign one first"):
        shop.assign(shop.one)


def test_an_instance_must_be_named_and_exist(shop: Shop) -> None:
    with pytest.raises(ValidationException, match="InstanceId is required"):
        shop.root("AssignVolume", VolumeId=shop.volume)
    with pytest.raises(ResourceNotFoundException, match="Unable to find instance with ID nobody"):
        shop.assign("nobody")


@pytest.mark.parametrize("operation", ["UpdateVolume", "AssignVolume", "UnassignVolume", "DeregisterVolume"])
def test_a_volume_goes_by_its_own_id_and_not_by_its_provider_s(shop: Shop, operation: str) -> None:
    with pytest.raises(ResourceNotFoundException, match=f"Unable to find volume with ID {EC2_ID}"):
        shop.root(operation, VolumeId=EC2_ID)


def test_deregistering_a_volume_of_a_stopped_instance_takes_it_from_there(shop: Shop) -> None:
    shop.assign(shop.one)

    shop.root("DeregisterVolume", VolumeId=shop.volume)

    assert shop.root("DescribeVolumes", StackId=shop.stack) == {"Volumes": []}


# -- RAID arrays -------------------------------------------------------------------------------------------------------


def test_an_array_and_its_disks_are_shown(shop_on_either: Shop) -> None:
    shop = shop_on_either
    disks = shop.array(shop.one)

    shown = {
        "RaidArrayId": "raid-1",
        "InstanceId": shop.one,
        "Name": "Created for app1",
        "RaidLevel": 0,
        "NumberOfDisks": 2,
        "Size": 100,
        "Device": "/dev/md0",
        "MountPoint": "/vol/fast",
        "CreatedAt": "2030-01-01T00:00:00+00:00",
        "StackId": shop.stack,
        "VolumeType": "standard",
    }
    for selector in ({"StackId": shop.stack}, {"InstanceId": shop.one}, {"RaidArrayIds": ["raid-1"]}):
        assert shop.root("DescribeRaidArrays", **selector) == {"RaidArrays": [shown]}
    assert shop.root("DescribeRaidArrays", InstanceId=shop.two) == {"RaidArrays": []}
    assert [each["VolumeId"] for each in shop.root("DescribeVolumes", RaidArrayId="raid-1")["Volumes"]] == disks


def test_only_single_volumes_are_moved_and_mounted(shop: Shop) -> None:
    disk, _ = shop.array(shop.one)

    for call in (
        lambda: shop.assign(shop.two, disk),
        lambda: shop.root("UnassignVolume", VolumeId=disk),
        lambda: shop.root("UpdateVolume", VolumeId=disk, MountPoint="/vol/other"),
        lambda: shop.root("DeregisterVolume", VolumeId=disk),
    ):
        with pytest.raises(ValidationException, match=f"volume {disk} is a disk of RAID array raid-1"):
            call()
    shop.root("UpdateVolume", VolumeId=disk, Name="left half")


def test_the_mount_point_of_an_array_is_taken(shop: Shop) -> None:
    shop.array(shop.one)
    shop.root("UpdateVolume", VolumeId=shop.volume, MountPoint="/vol/fast")

    with pytest.raises(ValidationException, match="MountPoint /vol/fast is that of raid-1"):
        shop.assign(shop.one)


def test_an_array_that_no_instance_has_goes_with_its_last_disk(shop_on_either: Shop) -> None:
    shop = shop_on_either
    disks = shop.array(shop.one)
    shop.root("DeleteInstance", InstanceId=shop.one, DeleteVolumes=False)
    kept = shop.root("DescribeRaidArrays", StackId=shop.stack)["RaidArrays"][0]
    assert kept.keys().isdisjoint({"InstanceId", "Device"})

    shop.root("DeregisterVolume", VolumeId=disks[0])
    assert shop.root("DescribeRaidArrays", StackId=shop.stack)["RaidArrays"] == [kept]
    shop.root("DeregisterVolume", VolumeId=disks[1])

    assert shop.root("DescribeRaidArrays", StackId=shop.stack) == {"RaidArrays": []}


# -- selectors and rights ----------------------------------------------------------------------------------------------


def test_08_1_each_selector_narrows_and_two_are_too_many(shop: Shop) -> None:
    other = shop.root.stack(Name="other")
    elsewhere = shop.root("RegisterVolume", StackId=other, Ec2VolumeId="vol-2")["VolumeId"]
    shop.assign(shop.one)

    def ids(**selector: Any) -> list[str]:
        return [each["VolumeId"] for each in shop.root("DescribeVolumes", **selector)["Volumes"]]

    assert ids(StackId=shop.stack) == ids(InstanceId=shop.one) == ids(VolumeIds=[shop.volume]) == [shop.volume]
    assert ids(VolumeIds=[elsewhere, shop.volume]) == [shop.volume, elsewhere]
    with pytest.raises(ValidationException, match="RaidArrayId or one or more VolumeIds$"):
        ids()
    with pytest.raises(ValidationException, match="one or more RaidArrayIds$"):
        shop.root("DescribeRaidArrays")
    with pytest.raises(ValidationException, match="RaidArrayId or one or more VolumeIds, and only one of them"):
        ids(StackId=shop.stack, VolumeIds=[shop.volume])
    with pytest.raises(ValidationException, match="one or more RaidArrayIds, and only one of them"):
        shop.root("DescribeRaidArrays", StackId=shop.stack, InstanceId=shop.one)
    for selector in ({"VolumeIds": [shop.volume, "nothing"]}, {"RaidArrayId": "nothing"}):
        with pytest.raises(ResourceNotFoundException, match="nothing"):
            ids(**selector)
    with pytest.raises(ResourceNotFoundException, match="Unable to find RAID array with ID nothing"):
        shop.root("DescribeRaidArrays", RaidArrayIds=["nothing"])


def test_one_sees_what_one_may_see(shop: Shop) -> None:
    shop.array(shop.one)
    ann = shop.root.as_user("ann")
    shop.root("CreateUserProfile", IamUserArn=ann.principal.arn)
    for action in ("DescribeVolumes", "DescribeRaidArrays"):
        with pytest.raises(AccessDeniedException):
            ann(action, StackId=shop.stack)

    shop.root("SetPermission", StackId=shop.stack, IamUserArn=ann.principal.arn, Level="deploy")

    assert len(ann("DescribeVolumes", StackId=shop.stack)["Volumes"]) == 3
    assert len(ann("DescribeRaidArrays", StackId=shop.stack)["RaidArrays"]) == 1
    with pytest.raises(AccessDeniedException):
        ann("UpdateVolume", VolumeId=shop.volume, Name="mine")


def test_assigning_needs_manage_on_the_stacks_of_both(shop: Shop) -> None:
    elsewhere = shop.root.stack(Name="other")
    stranger = shop.root.instance(elsewhere, shop.root.layer(elsewhere))
    ann = shop.root.as_user("ann")
    shop.root("CreateUserProfile", IamUserArn=ann.principal.arn)
    shop.root("SetPermission", StackId=shop.stack, IamUserArn=ann.principal.arn, Level="manage")

    with pytest.raises(AccessDeniedException, match="opsworks:Ass"):
        ann("AssignVolume", VolumeId=shop.volume, InstanceId=stranger)
    ann("AssignVolume", VolumeId=shop.volume, InstanceId=shop.one)


# -- what becomes of them ----------------------------------------------------------------------------------------------


def test_volumes_go_with_their_instance(shop_on_either: Shop) -> None:
    shop = shop_on_either
    shop.assign(shop.one)
    shop.array(shop.one)
    free = shop.registered("vol-2")

    shop.root("DeleteInstance", InstanceId=shop.one)

    left = shop.root("DescribeVolumes", StackId=shop.stack)["Volumes"]
    assert [each["VolumeId"] for each in left] == [free]
    assert shop.root("DescribeRaidArrays", StackId=shop.stack) == {"RaidArrays": []}


def test_volumes_of_a_deleted_instance_stay_registered_where_that_is_wanted(shop_on_either: Shop) -> None:
    shop = shop_on_either
    shop.assign(shop.one)

    shop.root("DeleteInstance", InstanceId=shop.one, DeleteVolumes=False)

    assert shop.shown()["Status"] == "available"
    shop.assign(shop.two)
    assert shop.shown()["InstanceId"] == shop.two


def test_a_stopped_instance_keeps_its_volumes_through_a_restart(shop: Shop) -> None:
    shop.assign(shop.one)
    shop.root.bring_online(shop.one)

    shop.root.bring(shop.one, Status.SHUTTING_DOWN, Status.STOPPING, Status.STOPPED)

    assert shop.shown()["InstanceId"] == shop.one


def test_01_26_deleting_a_stack_frees_its_volumes(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    volume = root("RegisterVolume", StackId=stack, Ec2VolumeId=EC2_ID)["VolumeId"]

    root("DeleteStack", StackId=stack)

    with pytest.raises(ResourceNotFoundException, match=volume):
        root("DescribeVolumes", VolumeIds=[volume])
    root("RegisterVolume", StackId=root.stack(), Ec2VolumeId=EC2_ID)


def test_06_3_10_a_node_sees_its_own_volumes_and_arrays_with_these_fields(shop: Shop) -> None:
    shop.assign(shop.one)
    shop.array(shop.two)
    with shop.root.services.database.read() as conn:
        seen = world.load(conn, shop.root.services.vault, shop.stack, account_id="1")
    assert seen is not None

    own = bags.own_resources(seen, shop.one)
    assert own == {
        "opsworks_raid_array": {},
        "opsworks_volume": {
            shop.volume: {
                "id": shop.volume,
                "volume_id": shop.volume,
                "ec2_volume_id": EC2_ID,
                "name": None,
                "device": "/dev/sdi",
                "mount_point": "/vol/data",
                "size": None,
                "volume_type": None,
                "iops": None,
                "encrypted": False,
                "raid_array_id": None,
                "instance_id": shop.one,
                "status": "in-use",
            }
        },
    }
    array = bags.own_resources(seen, shop.two)["opsworks_raid_array"]["raid-1"]
    fields = "id raid_array_id name device raid_level number_of_disks size mount_point instance_id"
    assert set(array) == set(fields.split())


@pytest.mark.parametrize(
    "change",
    [
        lambda shop: shop.root("UpdateVolume", VolumeId=shop.volume, Name="orders"),
        lambda shop: shop.root("UnassignVolume", VolumeId=shop.volume),
        lambda shop: shop.root("DeregisterVolume", VolumeId=shop.volume),
    ],
    ids=["named", "unassigned", "deregistered"],
)
def test_a_policy_is_made_anew_when_a_volume_has_changed(shop: Shop, change: Callable[[Shop], Any]) -> None:
    shop.assign(shop.one)
    with shop.root.services.database.read() as conn:
        before = world.change_of(conn, shop.stack)

    change(shop)

    with shop.root.services.database.read() as conn:
        assert world.change_of(conn, shop.stack) != before
