"""Registered machines from `registering` until they have left, by the real loops (chapter 03, section 5.2)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.world import World
from toque_server.domain import registration, verbs
from toque_server.domain.command import CommandStatus
from toque_server.domain.instance import Status
from toque_server.domain.instance_details import InstanceDetails
from toque_server.domain.transitions import setup_command
from toque_server.reconcile.apply import apply
from toque_server.store import instances

LIMIT = timedelta(seconds=120)
S = Status


def register(world: World, id: str = "iron", *, layer_ids: tuple[str, ...] = ()) -> None:
    """What RegisterInstance and an enrolment write."""
    with world.database.write() as conn:
        made = registration.new_instance(id, stack_id="s-1", hostname=id, layer_ids=layer_ids, now=world.now)
        instances.add(conn, made, InstanceDetails())
        apply(conn, [setup_command(made)], world.now, world.services)


def registered(world: World, id: str = "iron") -> None:
    register(world, id)
    world.until(lambda: world.status(id) is S.REGISTERED, "registered")


def assign(world: World, id: str = "iron", *layers: str) -> None:
    world.act(lambda seen, queue: verbs.assign(seen, layers or ("app",), world.now), id)


def member(world: World, id: str = "iron") -> None:
    registered(world, id)
    assign(world, id)
    world.until(lambda: world.status(id) is S.ONLINE, "online")
    world.run(timedelta(seconds=90), step=10)


def unassign(world: World, id: str = "iron") -> None:
    world.act(lambda seen, queue: verbs.unassign(seen, queue, world.now, shutdown_timeout=LIMIT), id)


def deregister(world: World, id: str = "iron", *, joined: bool = True) -> None:
    world.act(lambda seen, queue: verbs.deregister(seen, queue, world.now, shutdown_timeout=LIMIT, joined=joined), id)


def is_gone(world: World, id: str = "iron") -> bool:
    return id not in world.statuses()


def test_03_35_a_machine_that_joins_is_set_up_and_stays_registered(world: World) -> None:
    registered(world)
    world.run(timedelta(minutes=11), step=10)

    assert world.seen_statuses("iron") == ["running_setup", "registered"]
    assert [command.type for command in world.commands("iron")] == ["setup"]


def test_08_10_5_it_is_registering_until_its_agent_has_taken_the_setup(world: World) -> None:
    world.cut_off.add("iron")
    register(world)
    world.run(timedelta(minutes=20), step=10)
    assert world.status("iron") is S.REGISTERING, "nobody can have lost what has never been there"

    world.exit_codes["setup"] = None
    world.cut_off.clear()
    world.until(lambda: world.status("iron") is S.RUNNING_SETUP, "running_setup")
    assert [command.status for command in world.commands("iron")] == [CommandStatus.PENDING]


def test_a_first_setup_that_fails_is_mended_by_another(world: World) -> None:
    world.exit_codes["setup"] = 1
    register(world)
    world.until(lambda: world.status("iron") is S.SETUP_FAILED, "setup_failed")

    world.exit_codes.clear()
    world.command("iron", "setup")
    world.until(lambda: world.status("iron") is S.REGISTERED, "registered")


def test_a_token_for_layers_brings_a_machine_online_at_once(world: World) -> None:
    register(world, layer_ids=("app",))
    world.until(lambda: world.status("iron") is S.ONLINE, "online")

    assert world.seen_statuses("iron") == ["running_setup", "online"]


def test_03_36_assigned_it_is_set_up_and_all_are_configured(world: World) -> None:
    world.fleet("web-1")
    registered(world)
    before = len(world.commands("web-1"))

    assign(world)
    world.until(lambda: world.status("iron") is S.ONLINE, "online")
    world.run(timedelta(seconds=10))

    assert world.seen_statuses("iron")[2:] == ["assigning", "running_setup", "online"]
    assert [command.type for command in world.commands("iron")] == ["setup", "setup", "configure"]
    assert [command.type for command in world.commands("web-1")[before:]] == ["configure"]


def test_03_37_unassigned_it_shuts_down_and_is_registered_without_layers(world: World) -> None:
    world.fleet("web-1")
    member(world)
    before = len(world.commands("web-1"))

    unassign(world)
    world.until(lambda: world.status("iron") is S.REGISTERED, "registered")
    world.run(timedelta(seconds=10))

    assert world.get("iron").layer_ids == ()
    assert world.commands("iron")[-1].type == "shutdown"
    assert [command.type for command in world.commands("web-1")[before:]] == ["configure"]
    assert world.provider.orders == ["launch web-1"], "nobody touches a machine that is not ours"


@pytest.mark.parametrize("exit_code", [1, None])
def test_a_shutdown_that_fails_or_hangs_keeps_nobody_in_a_layer(world: World, exit_code: int | None) -> None:
    member(world)
    world.exit_codes["shutdown"] = exit_code

    unassign(world)
    world.run(LIMIT + timedelta(seconds=10), step=5)

    assert (world.status("iron"), world.get("iron").layer_ids) == (S.REGISTERED, ())


def test_unassigned_in_the_middle_of_its_setup_the_run_is_aborted(world: World) -> None:
    registered(world)
    world.exit_codes["setup"] = None
    assign(world)
    world.until(lambda: world.status("iron") is S.RUNNING_SETUP, "running_setup")

    unassign(world)
    world.until(lambda: world.status("iron") is S.REGISTERED, "registered")

    setup, shutdown = world.commands("iron")[-2:]
    assert (setup.type, setup.exit_code) == ("setup", 130)
    assert (shutdown.type, shutdown.status) == ("shutdown", CommandStatus.SUCCESSFUL)


def test_I_9_lost_while_registered_it_comes_back_as_registered(world: World) -> None:
    registered(world)
    world.run(timedelta(minutes=6), step=10)
    world.cut_off.add("iron")
    world.run(timedelta(minutes=7), step=10)
    assert world.status("iron") is S.CONNECTION_LOST

    world.cut_off.clear()
    world.until(lambda: world.status("iron") is S.REGISTERED, "registered", step=10)


@pytest.mark.parametrize("kind", ["on-premises", "ec2"])
def test_08_15_a_registered_machine_that_falls_silent_is_never_healed(world: World, kind: str) -> None:
    world.instance("iron", status=S.ONLINE, infrastructure_class=kind, provider="")
    world.run(timedelta(minutes=6), step=10)

    world.cut_off.add("iron")
    world.run(timedelta(minutes=20), step=10)
    assert world.status("iron") is S.CONNECTION_LOST
    assert "no provider can restart its machine" in world.get("iron").reason

    world.cut_off.clear()
    world.until(lambda: world.status("iron") is S.ONLINE, "online", step=10)
    world.run(timedelta(seconds=10))
    assert [command.type for command in world.commands("iron")] == ["configure"]
    assert (world.provider.orders, world.events("heal.started")) == ([], [])


def test_a_registration_that_nobody_completes_freezes_no_healing(world: World) -> None:
    for n in range(5):
        register(world, f"iron-{n}")
        world.cut_off.add(f"iron-{n}")
    world.instance("web-1", status=S.ONLINE)
    world.run(timedelta(minutes=12), step=10)

    assert world.events("healing.frozen") == []


# -- leaving -----------------------------------------------------------------------------------------------------------


def test_03_38_and_08_32_deregistered_it_shuts_down_leaves_and_the_others_are_configured(world: World) -> None:
    world.fleet("web-1")
    member(world)
    before = len(world.commands("web-1"))

    deregister(world)
    assert world.status("iron") is S.DEREGISTERING
    world.step()
    assert [command.type for command in world.commands("iron")][-2:] == ["shutdown", "deregister"]
    world.until(lambda: is_gone(world), "gone")
    world.run(timedelta(seconds=10))

    assert [command.type for command in world.commands("web-1")[before:]] == ["configure"]
    assert world.events("instance.deregistered") == ["iron was deregistered: its machine is its owner's alone now"]


def test_the_record_stays_until_the_agent_that_leaves_has_said_so(world: World) -> None:
    member(world)
    world.exit_codes["deregister"] = None

    deregister(world)
    world.run(timedelta(minutes=4), step=5)
    assert world.status("iron") is S.DEREGISTERING, "without its key the agent could not tell that it has left"
    world.run(timedelta(minutes=2), step=5)

    assert is_gone(world)


@pytest.mark.parametrize("where", ["registered", "online"])
def test_08_10_6_an_agent_that_does_not_answer_within_five_minutes_is_gone_without_it(world: World, where: str) -> None:
    (registered if where == "registered" else member)(world)
    world.cut_off.add("iron")

    deregister(world)
    world.run(timedelta(minutes=4, seconds=50), step=5)
    assert world.status("iron") is S.DEREGISTERING
    world.run(timedelta(seconds=20), step=5)

    assert is_gone(world)


def test_a_long_shutdown_takes_nothing_from_the_time_to_leave(world: World) -> None:
    member(world)
    world.exit_codes |= {"shutdown": None, "deregister": None}
    long = timedelta(minutes=20)
    world.act(lambda seen, queue: verbs.deregister(seen, queue, world.now, shutdown_timeout=long, joined=True), "iron")
    world.run(timedelta(minutes=18), step=10)
    assert world.status("iron") is S.DEREGISTERING

    [running] = world.commands("iron", "shutdown")
    with world.database.write() as conn:
        world.outcome.settle(conn, running, exit_code=0, reason="", at=world.now)
    world.run(timedelta(minutes=4), step=10)
    assert world.status("iron") is S.DEREGISTERING
    world.run(timedelta(minutes=2), step=10)

    assert is_gone(world)


def test_a_run_of_a_deployment_is_aborted_and_its_deployment_ends(world: World) -> None:
    member(world)
    world.exit_codes["execute_recipes"] = None
    id = world.command("iron", "execute_recipes")
    world.step()

    deregister(world)
    world.until(lambda: is_gone(world), "gone")

    assert any("execute_recipes is failed: aborted" in told for told in world.events("command.ended")), id


def test_what_a_heal_is_about_can_be_let_go(world: World) -> None:
    world.fleet("web-1", "web-2", "web-3")
    world.run(timedelta(minutes=30), step=10)
    world.provider.boots_at_once = False
    world.die(["web-1"])
    world.until(lambda: world.status("web-1") is S.PENDING, "a heal on its way", step=10)

    deregister(world, "web-1")
    world.run(timedelta(minutes=5), step=10)

    assert is_gone(world, "web-1")


def test_nobody_to_ask_means_gone_at_once(world: World) -> None:
    world.cut_off.add("iron")
    register(world)

    deregister(world, joined=False)

    assert is_gone(world)
