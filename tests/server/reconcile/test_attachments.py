"""What follows from an address that comes and goes, by the loops and by agents (chapters 04 and 08)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from tests.conftest import services_on
from tests.fakes.world import World
from tests.server.operations.calls import Caller
from toque_server.domain.actions import RemoveInstance
from toque_server.reconcile.apply import apply
from toque_server.security.keys import ServerKeys
from toque_server.store import elastic_ips, instances, volumes

IP = "203.0.113.7"


@pytest.fixture
def root(world: World, server_keys: ServerKeys) -> Caller:
    """Two instances online and one stopped, in a stack with an address."""
    caller = Caller(services_on(world.database, world.services.settings, server_keys))
    world.fleet("web-1", "web-2")
    world.instance("stopped")
    caller("RegisterElasticIp", StackId="s-1", ElasticIp=IP)
    return caller


def new_commands(world: World, act: Callable[[], object]) -> dict[str, list[str]]:
    """The types of the commands that an act leads to, by instance."""
    before = {id: len(world.commands(id)) for id in world.statuses()}
    act()
    world.run(timedelta(seconds=10))
    return {id: [each.type for each in world.commands(id)[count:]] for id, count in before.items()}


EACH_ONLINE = {"web-1": ["configure"], "web-2": ["configure"], "stopped": []}


def test_04_7_associating_moving_and_disassociating_each_configure_every_online_instance(
    world: World, root: Caller
) -> None:
    for operation, members in (
        ("AssociateElasticIp", {"InstanceId": "web-1"}),
        ("AssociateElasticIp", {"InstanceId": "stopped"}),
        ("DisassociateElasticIp", {}),
    ):
        assert new_commands(world, partial(root, operation, ElasticIp=IP, **members)) == EACH_ONLINE


def test_E1_deregistering_an_associated_address_configures_too(world: World, root: Caller) -> None:
    root("AssociateElasticIp", ElasticIp=IP, InstanceId="web-1")
    world.run(timedelta(seconds=10))

    assert new_commands(world, lambda: root("DeregisterElasticIp", ElasticIp=IP)) == EACH_ONLINE


def test_registering_and_naming_an_address_configures_nobody(world: World, root: Caller) -> None:
    def act() -> None:
        root("UpdateElasticIp", ElasticIp=IP, Name="front")
        root("RegisterElasticIp", StackId="s-1", ElasticIp="203.0.113.8")
        root("DeregisterElasticIp", ElasticIp="203.0.113.8")

    assert new_commands(world, act) == {"web-1": [], "web-2": [], "stopped": []}


def test_03_22_a_healed_instance_keeps_its_address_and_its_volumes(world: World, root: Caller) -> None:
    world.instance("web-3", persistent=False)
    root("AssociateElasticIp", ElasticIp=IP, InstanceId="web-3")
    volume = root("RegisterVolume", StackId="s-1", Ec2VolumeId="vol-1")["VolumeId"]
    root("UpdateVolume", VolumeId=volume, MountPoint="/vol/data")
    root("AssignVolume", VolumeId=volume, InstanceId="web-3")
    world.start("web-3")
    world.until(lambda: world.status("web-3") == "online", "online")
    machine = world.get("web-3").machine_id
    assert machine is not None

    world.provider.vanish(machine)
    world.until(lambda: world.get("web-3").machine_id not in (None, machine), "a new machine", step=5)
    world.until(lambda: world.status("web-3") == "online", "online again", step=5)

    assert root("DescribeElasticIps", InstanceId="web-3")["ElasticIps"][0]["Ip"] == IP
    assert root("DescribeVolumes", InstanceId="web-3")["Volumes"][0]["VolumeId"] == volume


def test_what_a_deregistered_machine_has_is_deregistered_with_it(world: World, root: Caller) -> None:
    root("AssociateElasticIp", ElasticIp=IP, InstanceId="stopped")
    volume = root("RegisterVolume", StackId="s-1", Ec2VolumeId="vol-1")["VolumeId"]
    root("UpdateVolume", VolumeId=volume, MountPoint="/vol/data")
    root("AssignVolume", VolumeId=volume, InstanceId="stopped")

    def leave() -> None:
        with world.database.write() as conn:
            seen = instances.get(conn, "stopped")
            assert seen is not None
            apply(conn, [RemoveInstance(seen)], world.now, world.services)

    assert new_commands(world, leave)["web-1"] == ["configure"]
    with world.database.read() as conn:
        assert (elastic_ips.of_stacks(conn, ["s-1"]), volumes.of_stacks(conn, ["s-1"])) == ([], [])
