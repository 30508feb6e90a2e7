"""Autohealing end to end (chapter 03 section 9, checks 18 to 26; chapter 10, R14 to R18), by the real loops."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from tests.conftest import services_on
from tests.fakes.world import World
from tests.server.operations.calls import Caller
from toque_server.domain.instance import Status
from toque_server.providers import MachineState, ProviderError
from toque_server.security.keys import ServerKeys
from toque_server.settings import HealTimes
from toque_server.store import tables

HEALED = ["stopping", "stopped", "requested", "pending", "booting", "running_setup", "online"]


def quiet(world: World, length: timedelta) -> None:
    world.run(length, step=10)


def settled(world: World) -> None:
    """Past the grace of a fresh server."""
    world.run(timedelta(minutes=6), step=10)


def test_03_18_silence_of_299_s_is_borne_and_of_300_s_is_healed_at_the_next_check(world: World) -> None:
    world.fleet("web-1")
    settled(world)
    world.cut_off.add("web-1")
    last = world.now

    world.run(timedelta(seconds=280), step=10)
    while world.now - last < timedelta(seconds=299):
        world.step(1)
    assert world.status("web-1") is Status.ONLINE
    world.run(timedelta(seconds=10))

    assert world.seen_statuses("web-1")[5:6] == ["stopping"]


def test_03_19_one_layer_with_healing_off_makes_it_connection_lost_and_nothing_restarts_it(world: World) -> None:
    world.layer("db", heals=False)
    world.fleet("web-1", layer_ids=("app", "db"))
    settled(world)
    world.cut_off.add("web-1")
    world.provider.orders.clear()

    quiet(world, timedelta(minutes=20))

    assert world.status("web-1") is Status.CONNECTION_LOST
    assert "healing switched off" in world.get("web-1").reason
    assert world.provider.orders == []


def test_03_20_and_21_a_persistent_instance_is_stopped_and_started_and_all_are_configured(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3")
    settled(world)
    machine = world.get("web-1").machine_id
    before = {id: len(world.commands(id, "configure")) for id in ("web-1", "web-2", "web-3")}

    world.die(["web-1"])
    world.until(lambda: world.seen_statuses("web-1")[5:] == HEALED, "healed", step=1)
    world.run(timedelta(seconds=20))

    assert world.get("web-1").machine_id == machine
    after = {id: len(world.commands(id, "configure")) - before[id] for id in before}
    assert after["web-1"] == 1
    assert after["web-2"] == after["web-3"] <= 2
    assert world.commands("web-1", "shutdown") == []
    assert world.service_errors("web-1") == ["auto_healing"]


def test_03_22_a_disposable_instance_is_replaced_and_keeps_name_and_layers(world: World) -> None:
    world.fleet("web-1", "web-2", persistent=False)
    settled(world)
    old = world.get("web-1")

    world.provider.vanish(old.machine_id or "")
    world.until(lambda: len(world.seen_statuses("web-1")) >= 12, "healed", step=1)

    assert world.seen_statuses("web-1")[5:] == ["terminating", *HEALED[1:]]
    new = world.get("web-1")
    assert (new.hostname, new.layer_ids) == (old.hostname, old.layer_ids)
    assert new.machine_id not in (old.machine_id, None)


@pytest.mark.parametrize("persistent", [True, False], ids=["ebs", "instance-store"])
def test_03_23_a_heal_orders_the_instance_s_own_system_whatever_the_stack_s_is_by_now(
    world: World, server_keys: ServerKeys, persistent: bool
) -> None:
    root = Caller(services_on(world.database, world.services.settings, server_keys))
    root("UpdateStack", StackId="s-1", DefaultOs="Debian 12")
    root_device = "ebs" if persistent else "instance-store"
    web = root.instance("s-1", "app", RootDeviceType=root_device)
    with world.database.write() as conn:
        conn.execute(sa.update(tables.instances).where(tables.instances.c.id == web).values(provider="fake"))
    world.start(web)
    world.until(lambda: world.status(web) is Status.ONLINE, "online")
    settled(world)
    root("UpdateStack", StackId="s-1", DefaultOs="Rocky Linux 9")

    world.provider.vanish(world.get(web).machine_id or "")
    world.until(lambda: world.seen_statuses(web)[-1] == "online" and len(world.seen_statuses(web)) > 9, "healed")

    [machine] = world.provider.machines.values()
    assert (machine.order.instance_id, machine.order.os) == (web, "Debian 12")
    assert root("DescribeInstances", InstanceIds=[web])["Instances"][0]["Os"] == "Debian 12"


def test_03_24_what_was_stopped_through_the_service_is_never_healed_and_what_died_outside_is(world: World) -> None:
    world.fleet("ours", "theirs")
    settled(world)
    world.stop("ours")
    world.until(lambda: world.status("ours") is Status.STOPPED, "stopped")

    world.die(["theirs"])
    quiet(world, timedelta(minutes=10))

    assert world.status("ours") is Status.STOPPED
    assert world.seen_statuses("theirs")[5:] == HEALED


def test_03_25_an_on_premises_node_is_lost_and_back_with_a_configure(world: World) -> None:
    world.instance("iron", status=Status.ONLINE, infrastructure_class="on-premises", provider="")
    settled(world)
    world.cut_off.add("iron")
    quiet(world, timedelta(minutes=10))
    assert world.status("iron") is Status.CONNECTION_LOST

    world.cut_off.clear()
    world.run(timedelta(seconds=30))

    assert world.status("iron") is Status.ONLINE
    assert [command.type for command in world.commands("iron")] == ["configure"]


def test_03_26_an_hour_of_our_own_downtime_heals_nobody_who_calls_again_in_time(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3")
    settled(world)
    world.provider.orders.clear()
    world.now += timedelta(hours=1)
    world.steady += 3600
    world.cut_off |= {"web-1", "web-2", "web-3"}

    world.engine = world.server()
    quiet(world, timedelta(seconds=280))
    world.cut_off.clear()
    quiet(world, timedelta(minutes=10))

    assert set(world.statuses().values()) == {"online"}
    assert world.provider.orders == []


def test_R14_a_server_that_was_stopped_for_a_while_begins_with_a_grace(world: World) -> None:
    world.fleet("web-1")
    settled(world)
    world.cut_off.add("web-1")

    world.now += timedelta(minutes=30)
    world.steady += 1800
    quiet(world, timedelta(seconds=280))

    assert world.status("web-1") is Status.ONLINE


def test_R15_half_of_the_fleet_cut_off_for_20_minutes_restarts_nobody_and_says_so_once(world: World) -> None:
    for number in range(2):
        world.stack(f"stack-{number}")
        world.layer(f"layer-{number}", stack=f"stack-{number}")
    names = [f"web-{number}" for number in range(12)]
    for number, name in enumerate(names):
        world.instance(name, stack=f"stack-{number % 2}", layer_ids=(f"layer-{number % 2}",))
        world.start(name)
    world.until(lambda: set(world.statuses().values()) == {"online"}, "all online")
    settled(world)
    world.provider.orders.clear()

    world.cut_off |= set(names[:6])
    quiet(world, timedelta(minutes=20))

    assert set(world.statuses().values()) == {"online"}
    assert len([message for message in world.events("healing.frozen") if "the fleet" in message]) == 1
    world.cut_off.clear()
    quiet(world, timedelta(minutes=20))
    assert world.provider.orders == []
    assert set(world.statuses().values()) == {"online"}


def test_R16_a_healed_node_without_contact_after_15_minutes_closes_soft_healing(world: World) -> None:
    world.fleet(*(f"web-{number}" for number in range(8)))
    settled(world)
    world.cut_off.add("web-0")
    world.until(lambda: world.status("web-0") is Status.BOOTING, "restarted", step=5)
    quiet(world, timedelta(minutes=16))

    world.cut_off.add("web-1")
    quiet(world, timedelta(minutes=10))

    assert world.status("web-1") is Status.CONNECTION_LOST
    assert "did not come back" in world.get("web-1").reason
    quiet(world, timedelta(minutes=30))
    assert "stopping" in world.seen_statuses("web-1")


def test_R17_after_three_heals_in_an_hour_it_is_lost_until_a_person_acts(world: World) -> None:
    world.set_heal_times(HealTimes(spacing=timedelta(seconds=5)))
    world.fleet("web-1", "web-2", "web-3")
    settled(world)

    for heals in (1, 2, 3):
        world.die(["web-1"])
        world.until(lambda: world.seen_statuses("web-1").count("stopping") == heals, f"heal {heals}", step=5)  # noqa: B023
        world.until(lambda: world.status("web-1") is Status.ONLINE, "online again", step=5)
    world.die(["web-1"])
    quiet(world, timedelta(minutes=90))

    assert world.status("web-1") is Status.CONNECTION_LOST
    assert world.events("heal.exhausted") == ["web-1 is not healed any more: 3 heals did not help"]
    world.stop("web-1")
    world.until(lambda: world.status("web-1") is Status.STOPPED, "stopped")
    world.start("web-1")
    world.until(lambda: world.status("web-1") is Status.ONLINE, "started by a person")


def test_a_provider_that_lies_that_all_is_well_leaves_silence_as_evidence(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3", "web-4")
    settled(world)
    machine = world.get("web-1").machine_id or ""
    world.provider.lies.add(machine)
    world.die(["web-1"])

    quiet(world, timedelta(seconds=280))
    assert world.status("web-1") is Status.ONLINE
    world.run(timedelta(seconds=60))

    assert world.events("heal.started")[0].startswith("healing web-1: its agent is silent")
    world.provider.lies.clear()
    world.until(lambda: world.status("web-1") is Status.ONLINE, "healed")


def test_a_machine_that_its_provider_calls_dead_but_that_calls_us_is_left_alone(world: World) -> None:
    world.fleet("web-1")
    settled(world)
    machine = world.provider.machines[world.get("web-1").machine_id or ""]
    world.provider.is_running = lambda machine_id: True  # type: ignore[method-assign]
    machine.state = MachineState.FAILED

    quiet(world, timedelta(minutes=20))

    assert world.status("web-1") is Status.ONLINE


def test_F21_a_provider_that_does_not_answer_heals_nobody_by_hard_evidence(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3")
    settled(world)
    world.provider.deaf = True
    world.provider.orders.clear()

    quiet(world, timedelta(minutes=20))

    assert world.provider.orders == []


def test_start_failed_is_left_alone(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3")
    settled(world)
    world.die(["web-1"])
    world.until(lambda: world.status("web-1") is Status.STOPPED, "stopped by the heal", step=1)
    world.provider.refuses = ProviderError("no capacity", retriable=False)
    world.until(lambda: world.status("web-1") is Status.START_FAILED, "start_failed")
    world.provider.refuses = None

    quiet(world, timedelta(minutes=60))

    assert world.status("web-1") is Status.START_FAILED


def test_a_stop_during_a_heal_means_that_it_stays_stopped(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3")
    settled(world)
    world.die(["web-1"])
    world.until(lambda: world.get("web-1").heal_id is not None, "healing", step=1)

    world.stop("web-1")
    quiet(world, timedelta(minutes=20))

    assert world.status("web-1") is Status.STOPPED


def test_the_commands_of_a_healed_instance_end(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3")
    settled(world)
    world.exit_codes["deploy"] = None
    running = world.command("web-1", "deploy")
    world.step()
    waiting = world.command("web-1", "restart")

    world.die(["web-1"])
    world.until(lambda: world.get("web-1").heal_id is not None, "healing", step=1)

    ends = {command.id: command.status.value for command in world.commands("web-1")}
    assert (ends[running], ends[waiting]) == ("failed", "skipped")


def test_a_server_killed_in_the_middle_of_a_heal_is_followed_by_one_that_finishes_it(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3")
    settled(world)
    world.die(["web-1"])
    world.until(lambda: world.status("web-1") is Status.STOPPED, "half way", step=1)

    world.engine.desk.leadership.resign()
    world.engine = world.server()
    world.until(lambda: world.status("web-1") is Status.ONLINE, "healed by the successor", step=1)

    assert world.seen_statuses("web-1")[5:] == HEALED
    assert world.get("web-1").heal_id is None
