"""What operators may ask of an instance, in which status, and what it begins with (I-5, I-10, I-11, I-17)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.server.made import NOW, command, instance
from toque_server.domain import verbs
from toque_server.domain.actions import Action, AddCommand, ConfigureDue, EndHeal, Move, OpenHeal
from toque_server.domain.instance import MOVES, Instance, Status
from toque_server.domain.verbs import NotAllowed

LIMIT = timedelta(seconds=120)
S = Status


def after(actions: list[Action], was: Instance) -> Status:
    moves = [action for action in actions if isinstance(action, Move)]
    assert all(m.new.status in MOVES[m.seen.status] or m.new.status is m.seen.status for m in moves)
    return moves[-1].new.status if moves else was.status


@pytest.mark.parametrize("status", Status)
def test_I_10_start(status: Status) -> None:
    seen = instance(status=status)
    if status in (S.STOPPED, S.START_FAILED):
        assert after(verbs.start(seen, "start-1", NOW), seen) is S.REQUESTED
    elif status in (S.REQUESTED, S.PENDING, S.BOOTING, S.RUNNING_SETUP, S.ONLINE):
        assert verbs.start(seen, "start-1", NOW) == []
    else:
        with pytest.raises(NotAllowed, match=f"cannot start instance web-1: it is {status}"):
            verbs.start(seen, "start-1", NOW)


@pytest.mark.parametrize(
    ("status", "becomes"),
    [
        (S.ONLINE, S.SHUTTING_DOWN),
        (S.SETUP_FAILED, S.SHUTTING_DOWN),
        (S.RUNNING_SETUP, S.SHUTTING_DOWN),
        (S.CONNECTION_LOST, S.SHUTTING_DOWN),
        (S.REBOOTING, S.SHUTTING_DOWN),
        (S.BOOTING, S.STOPPING),
        (S.REQUESTED, S.STOPPING),
        (S.PENDING, S.STOPPING),
        (S.START_FAILED, S.STOPPING),
        (S.STOP_FAILED, S.STOPPING),
        (S.STOPPED, S.STOPPED),
        (S.STOPPING, S.STOPPING),
        (S.TERMINATING, S.TERMINATING),
        (S.TERMINATED, S.TERMINATED),
        (S.SHUTTING_DOWN, S.SHUTTING_DOWN),
    ],
)
def test_I_5_and_I_11_a_stop_leaves_the_status_at_once(status: Status, becomes: Status) -> None:
    seen = instance(status=status)

    actions = verbs.stop(seen, [], NOW, shutdown_timeout=LIMIT)

    assert after(actions, seen) is becomes
    shutdowns = [a for a in actions if isinstance(a, AddCommand) and a.type == "shutdown"]
    assert bool(shutdowns) is (becomes is S.SHUTTING_DOWN and status is not S.SHUTTING_DOWN)
    assert any(isinstance(a, ConfigureDue) for a in actions) is (status is S.ONLINE)


def test_a_disposable_instance_terminates() -> None:
    seen = instance(status=S.BOOTING, persistent=False)

    assert after(verbs.stop(seen, [], NOW, shutdown_timeout=LIMIT), seen) is S.TERMINATING


@pytest.mark.parametrize("status", Status)
def test_I_9_force_forgets_the_machine_from_wherever_it_is_legal(status: Status) -> None:
    seen = instance(status=status)
    if status in (S.REGISTERING, S.ASSIGNING, S.UNASSIGNING, S.DEREGISTERING):
        with pytest.raises(NotAllowed):
            verbs.stop(seen, [], NOW, shutdown_timeout=LIMIT, force=True)
    else:
        assert after(verbs.stop(seen, [], NOW, shutdown_timeout=LIMIT, force=True), seen) is S.STOPPED


def test_a_stop_of_what_healing_stopped_cancels_the_heal() -> None:
    actions = verbs.stop(instance(status=S.STOPPING, heal_id="h-1"), [], NOW, shutdown_timeout=LIMIT)

    assert [type(action) for action in actions] == [Move, EndHeal]


@pytest.mark.parametrize("verb", ["start", "stop", "reboot", "heal"])
def test_03_39_on_premises_nodes_are_only_deregistered(verb: str) -> None:
    iron = instance(status=S.ONLINE, infrastructure_class="on-premises", provider="", machine_id=None)
    asked: dict[str, Any] = {
        "start": lambda: verbs.start(iron, "s", NOW),
        "stop": lambda: verbs.stop(iron, [], NOW, shutdown_timeout=LIMIT),
        "reboot": lambda: verbs.reboot(iron, NOW),
        "heal": lambda: verbs.heal(iron, [], "h", NOW, by="arn", last_contact=None),
    }

    with pytest.raises(NotAllowed):
        asked[verb]()
    assert after(verbs.deregister(iron, [], NOW, shutdown_timeout=LIMIT, joined=True), iron) is S.DEREGISTERING


def test_H11_an_administrator_heals_a_named_instance() -> None:
    seen = instance(status=S.CONNECTION_LOST, previous=S.ONLINE)

    actions = verbs.heal(seen, [command()], "h-1", NOW, by="arn:admin", last_contact=None)

    assert after(actions, seen) is S.STOPPING
    [opened] = [action.heal for action in actions if isinstance(action, OpenHeal)]
    assert (opened.id, opened.by) == ("h-1", "arn:admin")


def test_03_36_and_37_assign_and_unassign_are_for_registered_machines() -> None:
    node = instance(status=S.REGISTERED, layers=(), provider="")

    assert after(verbs.assign(node, ("app",), NOW), node) is S.ASSIGNING
    with pytest.raises(NotAllowed):
        verbs.assign(instance(status=S.ONLINE, provider=""), ("app",), NOW)
    with pytest.raises(NotAllowed):
        verbs.unassign(instance(status=S.ONLINE), [], NOW, shutdown_timeout=LIMIT)
    member = instance(status=S.ONLINE, provider="")
    assert after(verbs.unassign(member, [], NOW, shutdown_timeout=LIMIT), member) is S.UNASSIGNING
