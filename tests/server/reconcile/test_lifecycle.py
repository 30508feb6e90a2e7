"""Starting, stopping, rebooting (chapter 03 sections 5 to 7; chapter 04), by the real loops on a real database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from tests.conftest import services_on
from tests.fakes.world import World
from tests.server.operations.calls import Caller
from toque_server.domain import verbs
from toque_server.domain.command import CommandStatus
from toque_server.domain.instance import Status
from toque_server.providers import ProviderError
from toque_server.security.keys import ServerKeys
from toque_server.settings import Limits

UP = ["requested", "pending", "booting", "running_setup", "online"]


def test_03_4_a_healthy_start_shows_every_status_in_order(world: World) -> None:
    world.instance("web-1")

    world.start("web-1")
    world.until(lambda: world.status("web-1") is Status.ONLINE, "online")

    assert world.seen_statuses("web-1") == UP
    assert world.provider.orders == ["launch web-1"]


def test_04_3_and_05_34_a_new_instance_has_a_setup_and_a_configure_and_no_deploy(world: World) -> None:
    world.fleet("web-1")

    assert [command.type for command in world.commands("web-1")] == ["setup", "configure"]


def test_04_1_a_start_beside_others_is_one_setup_and_one_configure_for_each(world: World) -> None:
    world.fleet("a", "b", "c")
    before = {id: len(world.commands(id)) for id in "abc"}

    world.fleet("d")

    assert [command.type for command in world.commands("d")] == ["setup", "configure"]
    new = {id: [c.type for c in world.commands(id)[before[id] :]] for id in "abc"}
    assert new == {id: ["configure"] for id in "abc"}


@pytest.mark.parametrize("exit_code", [1, 2, 3, 5, 124, 255])
def test_03_5_a_failing_setup_gives_setup_failed_and_another_brings_it_online(world: World, exit_code: int) -> None:
    world.exit_codes["setup"] = exit_code
    world.instance("web-1")
    world.start("web-1")
    world.until(lambda: world.status("web-1") is Status.SETUP_FAILED, "setup_failed")
    assert world.provider.is_running(world.get("web-1").machine_id)
    assert world.commands("web-1", "configure") == []

    world.exit_codes.clear()
    world.command("web-1", "setup")
    world.until(lambda: world.status("web-1") is Status.ONLINE, "online")

    assert world.seen_statuses("web-1")[-3:] == ["setup_failed", "running_setup", "online"]


def test_03_7_a_provider_that_refuses_gives_start_failed_and_nothing_retries_it(
    world: World, server_keys: ServerKeys
) -> None:
    world.provider.refuses = ProviderError("no such instance type", retriable=False)
    world.instance("web-1")

    world.start("web-1")
    world.until(lambda: world.status("web-1") is Status.START_FAILED, "start_failed")
    world.provider.refuses = None
    world.run(timedelta(minutes=30), step=10)

    assert world.status("web-1") is Status.START_FAILED
    assert world.service_errors("web-1") == ["start_failed"]
    assert "no such instance type" in world.get("web-1").reason
    assert world.provider.orders == []
    call = Caller(services_on(world.database, world.services.settings, server_keys))
    [shown] = call("DescribeInstances", InstanceIds=["web-1"])["Instances"]
    [error] = call("DescribeServiceErrors", ServiceErrorIds=[shown["LastServiceErrorId"]])["ServiceErrors"]
    assert (error["InstanceId"], error["Type"]) == ("web-1", "start_failed")
    assert "no such instance type" in error["Message"]


def test_a_provider_that_is_busy_is_asked_again(world: World) -> None:
    world.provider.refuses = ProviderError("try later", retriable=True)
    world.instance("web-1")
    world.start("web-1")
    world.run(timedelta(seconds=60), step=5)

    world.provider.refuses = None
    world.until(lambda: world.status("web-1") is Status.ONLINE, "online", step=5)


def test_I_7_a_start_that_the_provider_never_finishes_fails_after_15_minutes(world: World) -> None:
    world.provider.boots_at_once = False
    world.instance("web-1")
    world.start("web-1")

    world.run(timedelta(minutes=14), step=10)
    assert world.status("web-1") is Status.PENDING
    world.run(timedelta(minutes=2), step=10)

    assert world.status("web-1") is Status.START_FAILED


def test_I_7_an_agent_that_never_calls_fails_the_start_after_60_minutes(world: World) -> None:
    world.cut_off.add("web-1")
    world.instance("web-1")
    world.start("web-1")

    world.run(timedelta(minutes=59), step=10)
    assert world.status("web-1") is Status.BOOTING
    world.run(timedelta(minutes=3), step=10)

    assert world.status("web-1") is Status.START_FAILED
    assert "reaches the server's address" in world.get("web-1").reason


def test_04_5_a_stop_is_shutdown_there_and_configure_for_the_others(world: World) -> None:
    world.fleet("a", "b", "c")
    before = {id: len(world.commands(id)) for id in "abc"}

    world.stop("a")
    world.until(lambda: world.status("a") is Status.STOPPED, "stopped")
    world.run(timedelta(seconds=10))

    new = {id: [c.type for c in world.commands(id)[before[id] :]] for id in "abc"}
    assert new == {"a": ["shutdown"], "b": ["configure"], "c": ["configure"]}
    assert world.seen_statuses("a")[5:] == ["shutting_down", "stopping", "stopped"]


def test_04_15_a_stop_goes_on_when_shutdown_is_done_and_at_the_latest_after_its_timeout(world: World) -> None:
    world.fleet("quick", "slow")
    world.stop("quick", timeout=120)
    began = world.now
    world.until(lambda: world.status("quick") is Status.STOPPED, "stopped")
    assert world.now - began < timedelta(seconds=10)

    world.exit_codes["shutdown"] = None
    world.stop("slow", timeout=120)
    world.run(timedelta(seconds=118))
    assert world.status("slow") is Status.SHUTTING_DOWN
    world.run(timedelta(seconds=5))

    assert world.status("slow") is Status.STOPPED
    [shutdown] = world.commands("slow", "shutdown")
    assert (shutdown.status, shutdown.exit_code) == (CommandStatus.FAILED, 124)


def test_E_6_a_failing_shutdown_does_not_block_a_stop(world: World) -> None:
    world.fleet("web-1")
    world.exit_codes["shutdown"] = 1

    world.stop("web-1")

    world.until(lambda: world.status("web-1") is Status.STOPPED, "stopped")


def test_E_20_shutdown_overtakes_what_nobody_took_and_gives_a_run_its_time(world: World) -> None:
    world.fleet("web-1")
    world.exit_codes["deploy"] = None
    running = world.command("web-1", "deploy")
    world.step()
    waiting = world.command("web-1", "execute_recipes")

    world.stop("web-1", timeout=60)
    world.run(timedelta(seconds=58))
    assert world.status("web-1") is Status.SHUTTING_DOWN
    world.run(timedelta(seconds=5))

    ends = {command.id: (command.status, command.exit_code) for command in world.commands("web-1")}
    assert world.status("web-1") is Status.STOPPED
    assert ends[waiting] == (CommandStatus.SKIPPED, None)
    assert ends[running] == (CommandStatus.FAILED, 130)


def test_03_9_a_persistent_instance_keeps_its_machine_and_a_disposable_one_gets_a_new_one(world: World) -> None:
    world.fleet("kept")
    world.fleet("new", persistent=False)
    machines = {id: world.get(id).machine_id for id in ("kept", "new")}

    for id in machines:
        world.stop(id)
    world.until(lambda: {world.status(id) for id in machines} == {Status.STOPPED}, "stopped")
    assert list(world.provider.machines) == [machines["kept"]]
    for id in machines:
        world.start(id)
    world.until(lambda: {world.status(id) for id in machines} == {Status.ONLINE}, "online")

    assert world.get("kept").machine_id == machines["kept"]
    assert world.get("new").machine_id not in (machines["new"], None)
    assert world.seen_statuses("new")[5:9] == ["shutting_down", "terminating", "terminated", "stopped"]


def test_03_10_04_10_a_reboot_creates_no_command(world: World) -> None:
    world.fleet("web-1")
    before = len(world.commands("web-1"))

    world.act(lambda seen, queue: verbs.reboot(seen, world.now), "web-1")
    assert world.status("web-1") is Status.REBOOTING
    world.until(lambda: world.status("web-1") is Status.ONLINE, "online again")
    world.run(timedelta(seconds=30))

    assert [c.type for c in world.commands("web-1")[before:]] == []
    assert world.provider.machines[world.get("web-1").machine_id or ""].boots == 2


def test_a_reboot_that_does_not_come_back_is_a_lost_agent(world: World) -> None:
    world.fleet("web-1")
    world.cut_off.add("web-1")

    world.act(lambda seen, queue: verbs.reboot(seen, world.now), "web-1")
    world.run(timedelta(minutes=11), step=10)

    assert world.status("web-1") in (Status.CONNECTION_LOST, Status.STOPPING, Status.BOOTING)
    assert "connection_lost" in world.seen_statuses("web-1")


def test_the_limits_of_an_instances_life_are_the_installations(world: World) -> None:
    limits = Limits(reboot=timedelta(minutes=1))
    world.services = replace(world.services, settings=structs.replace(world.services.settings, limits=limits))
    world.engine = world.server()
    world.fleet("web-1")
    world.cut_off.add("web-1")

    world.act(lambda seen, queue: verbs.reboot(seen, world.now), "web-1")
    world.run(timedelta(minutes=2), step=5)

    assert "connection_lost" in world.seen_statuses("web-1")


def test_04_23_a_manual_setup_takes_the_instance_out_of_service_and_back(world: World) -> None:
    world.fleet("a", "b")
    world.exit_codes["setup"] = None
    before = {id: len(world.commands(id, "configure")) for id in "ab"}

    world.command("a", "setup")
    world.until(lambda: world.status("a") is Status.RUNNING_SETUP, "running_setup")
    world.run(timedelta(seconds=5))
    assert {id: len(world.commands(id, "configure")) - before[id] for id in "ab"} == {"a": 0, "b": 1}
    [setup] = [c for c in world.commands("a", "setup") if c.completed_at is None]
    with world.database.write() as conn:
        world.outcome.settle(conn, setup, exit_code=0, reason="", at=world.now)
    assert world.status("a") is Status.ONLINE
    world.run(timedelta(seconds=5))

    assert {id: len(world.commands(id, "configure")) - before[id] for id in "ab"} == {"a": 1, "b": 2}


def test_04_14_a_failing_configure_leaves_the_instance_online(world: World) -> None:
    world.exit_codes["configure"] = 1

    world.fleet("web-1")

    assert world.status("web-1") is Status.ONLINE
    assert world.service_errors("web-1") == ["configure_failed"]


def test_a_stop_before_the_agent_is_there_needs_no_shutdown(world: World) -> None:
    world.cut_off.add("web-1")
    world.instance("web-1", persistent=False)
    world.start("web-1")
    world.until(lambda: world.status("web-1") is Status.BOOTING, "booting")

    world.stop("web-1")
    world.until(lambda: world.status("web-1") is Status.STOPPED, "stopped")

    assert world.commands("web-1") == []
    assert world.provider.machines == {}


def test_a_machine_ordered_by_a_server_that_died_before_writing_it_down_is_taken_down_by_a_stop(world: World) -> None:
    world.instance("web-1", persistent=False)
    world.start("web-1")
    order = world.engine._launch_order(world.get("web-1"))
    world.provider.launch(order)

    world.stop("web-1")
    world.until(lambda: world.status("web-1") is Status.STOPPED, "stopped")

    assert world.provider.machines == {}


def test_a_server_that_died_after_the_order_does_not_make_a_second_machine(world: World) -> None:
    world.instance("web-1")
    world.start("web-1")
    world.provider.launch(world.engine._launch_order(world.get("web-1")))

    world.until(lambda: world.status("web-1") is Status.ONLINE, "online")

    assert list(world.provider.machines) == ["m-1"]


def test_a_stop_that_the_provider_never_carries_out_is_stop_failed_and_can_be_asked_again(world: World) -> None:
    world.fleet("web-1")
    world.provider.stuck = True
    world.stop("web-1")
    world.run(timedelta(minutes=16), step=10)
    assert world.status("web-1") is Status.STOP_FAILED

    world.provider.stuck = False
    world.stop("web-1")

    world.until(lambda: world.status("web-1") is Status.STOPPED, "stopped")


def test_I_9_a_forced_stop_of_a_persistent_instance_forgets_its_machine(world: World) -> None:
    world.fleet("web-1")
    machine = world.get("web-1").machine_id

    world.stop("web-1", force=True)

    assert (world.status("web-1"), world.get("web-1").machine_id) == (Status.STOPPED, None)
    assert world.provider.is_running(machine)


def test_E_20_commands_of_one_instance_run_one_after_the_other_in_their_order(world: World) -> None:
    world.fleet("web-1")
    first, second = world.command("web-1", "deploy"), world.command("web-1", "restart")

    world.run(timedelta(seconds=3))

    by_id = {command.id: command for command in world.commands("web-1")}
    one, two = by_id[first], by_id[second]
    assert one.completed_at is not None and two.acknowledged_at is not None
    assert one.completed_at <= two.acknowledged_at
    assert (one.dispatch or 0) < (two.dispatch or 0)
