"""Commands and deployments by the loops: Configure in a storm, expiry, the end of a deployment (chapter 04)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.conftest import services_on
from tests.fakes.world import World
from tests.server.operations.calls import Caller
from toque_server.domain.command import CommandStatus, Deployment, DeploymentStatus
from toque_server.domain.instance import Status
from toque_server.security.keys import ServerKeys
from toque_server.store import commands, configures, deployments


def deployed(world: World, *ids: str) -> dict[str, str]:
    """A deployment on these instances; command id by instance id."""
    made = Deployment(
        id="d-1", stack_id="s-1", command_name="deploy", command_args={}, created_at=world.now, instance_ids=ids
    )
    with world.database.write() as conn:
        deployments.add(conn, made)
    return {id: world.command(id, "deploy", deployment_id="d-1") for id in ids}


def deployment(world: World) -> Deployment:
    with world.database.read() as conn:
        found = deployments.get(conn, "d-1")
    assert found is not None
    return found


def test_04_6_ten_starts_within_a_minute_leave_one_unacknowledged_configure_each(world: World) -> None:
    world.fleet("old")
    world.exit_codes["deploy"] = None
    world.command("old", "deploy")
    world.step()
    for number in range(10):
        world.instance(f"new-{number}")
        world.start(f"new-{number}")
        world.run(timedelta(seconds=6), step=2)
    world.run(timedelta(seconds=70), step=2)

    waiting = world.commands("old", "configure")[1:]
    assert [command.status for command in waiting[:-1]] == [CommandStatus.SKIPPED] * (len(waiting) - 1)
    assert {command.reason for command in waiting[:-1]} <= {"superseded"}
    assert waiting[-1].completed_at is None
    assert 1 <= len(waiting) <= 10


def test_04_2_an_instance_that_is_still_setting_up_gets_no_configure(world: World) -> None:
    world.fleet("a", "b")
    world.exit_codes["setup"] = None
    world.instance("slow")
    world.start("slow")
    world.until(lambda: world.status("slow") is Status.RUNNING_SETUP, "running_setup")
    with world.database.write() as conn:
        configures.touch(conn, "s-1", at=world.now, cause="an Elastic IP moved")
    before = len(world.commands("a", "configure"))

    world.run(timedelta(seconds=5))

    assert len(world.commands("a", "configure")) == before + 1
    assert world.commands("slow", "configure") == []


@pytest.mark.parametrize("cause", ["04-7: an address moved to web-1", "04-8: a balancer was attached to layer web"])
def test_04_7_04_8_what_concerns_the_whole_stack_is_one_configure_for_each_online_instance(
    world: World, cause: str
) -> None:
    """An address or a balancer that changes tells the stack in this way; nobody but those online hears of it."""
    world.fleet("web-1", "web-2")
    world.instance("stopped")
    world.run(timedelta(seconds=10))
    before = {id: len(world.commands(id)) for id in ("web-1", "web-2", "stopped")}

    with world.database.write() as conn:
        configures.touch(conn, "s-1", at=world.now, cause=cause)
    world.run(timedelta(seconds=10))

    new = {id: [c.type for c in world.commands(id)[count:]] for id, count in before.items()}
    assert new == {"web-1": ["configure"], "web-2": ["configure"], "stopped": []}


def test_04_8_and_02_21_attach_and_detach_are_one_configure_each_for_each_online_instance(
    world: World, server_keys: ServerKeys
) -> None:
    world.fleet("web-1", "web-2")
    world.instance("stopped")
    world.run(timedelta(seconds=10))
    root = Caller(services_on(world.database, world.services.settings, server_keys))

    for action in ("AttachElasticLoadBalancer", "DetachElasticLoadBalancer"):
        before = {id: len(world.commands(id)) for id in ("web-1", "web-2", "stopped")}
        root(action, ElasticLoadBalancerName="web-elb", LayerId="app")
        world.run(timedelta(seconds=10))

        new = {id: [c.type for c in world.commands(id)[count:]] for id, count in before.items()}
        assert new == {"web-1": ["configure"], "web-2": ["configure"], "stopped": []}, action


def test_07_27_and_ruling_1_a_right_to_ssh_is_a_sync_of_users_and_then_one_configure(
    world: World, server_keys: ServerKeys
) -> None:
    world.fleet("web-1", "web-2")
    world.instance("stopped")
    world.run(timedelta(seconds=10))
    root = Caller(services_on(world.database, world.services.settings, server_keys))
    arn = root("CreateUser", UserName="ann")["UserArn"]
    before = {id: len(world.commands(id)) for id in ("web-1", "web-2", "stopped")}

    for right in ({"AllowSsh": True}, {"AllowSudo": True}, {"AllowSsh": False, "AllowSudo": False}):
        root("SetPermission", StackId="s-1", IamUserArn=arn, **right)
        world.run(timedelta(seconds=10))

    both = ["sync_remote_users", "configure"]
    new = {id: [c.type for c in world.commands(id)[count:]] for id, count in before.items()}
    assert new == {"web-1": both * 3, "web-2": both * 3, "stopped": []}
    assert [c.deployment_id for c in world.commands("web-1", "sync_remote_users")] == [None] * 3


def test_e_1_a_database_and_a_cluster_run_nothing(world: World, server_keys: ServerKeys) -> None:
    world.fleet("web-1")
    world.run(timedelta(seconds=10))
    before = len(world.commands("web-1"))
    root = Caller(services_on(world.database, world.services.settings, server_keys))
    database = "arn:aws:rds:eu-west-1:123456789012:db:shop"
    cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/c1"

    root("RegisterRdsDbInstance", StackId="s-1", RdsDbInstanceArn=database, DbUser="u", DbPassword="p")
    root("UpdateRdsDbInstance", RdsDbInstanceArn=database, DbPassword="q")
    root("DeregisterRdsDbInstance", RdsDbInstanceArn=database)
    root("RegisterEcsCluster", StackId="s-1", EcsClusterArn=cluster)
    root("DeregisterEcsCluster", EcsClusterArn=cluster)
    world.run(timedelta(seconds=10))

    assert len(world.commands("web-1")) == before


def test_04_17_a_deployment_is_successful_when_all_its_commands_are(world: World) -> None:
    world.fleet("a", "b", "c")
    deployed(world, "a", "b", "c")

    world.run(timedelta(seconds=3))

    ended = deployment(world)
    assert (ended.status, ended.completed_at is not None) == (DeploymentStatus.SUCCESSFUL, True)


def test_04_18_one_failure_of_three_fails_it_and_not_before_the_others_have_ended(world: World) -> None:
    world.fleet("a", "b", "c")
    world.exit_codes["deploy"] = None
    ids = deployed(world, "a", "b", "c")
    world.step()

    def end(id: str, exit_code: int) -> None:
        with world.database.write() as conn:
            found = commands.get(conn, ids[id])
            assert found is not None
            assert world.outcome.settle(conn, found, exit_code=exit_code, reason="", at=world.now)

    end("a", 1)
    end("b", 0)
    assert deployment(world).status is DeploymentStatus.RUNNING
    end("c", 0)

    assert deployment(world).status is DeploymentStatus.FAILED


def test_04_29_a_stopped_agent_lets_the_command_expire_and_the_deployment_fail(world: World) -> None:
    world.layer("pets", heals=False)
    world.fleet("a", layer_ids=("pets",))
    world.cut_off.add("a")
    ids = deployed(world, "a")

    world.run(timedelta(minutes=66), step=10)

    [command] = [each for each in world.commands("a") if each.id == ids["a"]]
    assert (command.status, command.exit_code) == (CommandStatus.EXPIRED, None)
    assert deployment(world).status is DeploymentStatus.FAILED


def test_04_35_a_result_that_comes_twice_changes_nothing(world: World) -> None:
    world.fleet("a")
    ids = deployed(world, "a")
    world.run(timedelta(seconds=2))
    with world.database.write() as conn:
        found = commands.get(conn, ids["a"])
        assert found is not None
        assert not world.outcome.settle(conn, found, exit_code=1, reason="", at=world.now)

    assert deployment(world).status is DeploymentStatus.SUCCESSFUL


def test_a_result_that_comes_from_a_lost_instance_counts_all_the_same(world: World) -> None:
    world.exit_codes["setup"] = None
    world.instance("a")
    world.start("a")
    world.until(lambda: world.status("a") is Status.RUNNING_SETUP, "running_setup")
    world.step()
    world.cut_off.add("a")
    world.run(timedelta(minutes=12), step=10)
    assert world.status("a") is Status.CONNECTION_LOST

    [setup] = world.commands("a", "setup")
    with world.database.write() as conn:
        world.outcome.settle(conn, setup, exit_code=0, reason="", at=world.now)

    assert world.status("a") is Status.ONLINE
