"""What operators ask of an instance: start, stop, reboot, set up again, assign, unassign, deregister (chapter 03).

Each verb gives the actions that begin it; the loops carry it on from there. An instance that cannot do it raises
NotAllowed. The caller reads the instance and its open commands, and applies the actions, in one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from toque_server.domain.actions import AbortCommand, Action, AddCommand, EndHeal, Evidence, Heal, Move, Outcome
from toque_server.domain.command import Command
from toque_server.domain.instance import MOVES, Instance, Status, move
from toque_server.domain.transitions import (
    begin_heal,
    changed,
    deregistered,
    end_all,
    ended_heal,
    forgotten,
    power_down,
    setup_command,
    shutdown_command,
    skip_unacknowledged,
)

_S = Status


class NotAllowed(Exception):
    """An instance in this status cannot do that. A ValidationException."""

    def __init__(self, verb: str, instance: Instance, why: str = "") -> None:
        super().__init__(f"cannot {verb} instance {instance.hostname}: {why or f'it is {instance.status}'}")
        self.verb, self.instance = verb, instance


_UP: Final = frozenset({_S.REQUESTED, _S.PENDING, _S.BOOTING, _S.RUNNING_SETUP, _S.ONLINE})
_STOPS_ANYWAY: Final = frozenset({_S.STOPPED, _S.TERMINATED, _S.STOPPING, _S.TERMINATING, _S.SHUTTING_DOWN})
_WITHOUT_AGENT: Final = frozenset({_S.REQUESTED, _S.PENDING, _S.BOOTING, _S.START_FAILED, _S.STOP_FAILED})
_REGISTERED_ONLY: Final = frozenset({_S.REGISTERING, _S.ASSIGNING, _S.UNASSIGNING, _S.DEREGISTERING})


def _no_power(*instead: str) -> str:
    remedies = ", or ".join(
        (f"please {instead[0]} on the machine itself", *instead[1:], "let it go with DeregisterInstance")
    )
    return f"it is a registered machine, over which no provider has power: {remedies}"


def start(seen: Instance, start_id: str, now: datetime, *, reason: str = "") -> list[Action]:
    """Order its machine, under the id that makes the order happen once. Nothing, where it is up or on its way (I-10).

    Raises NotAllowed. Whether scaling leaves starting to people is the caller's question.
    """
    if not seen.provider:
        raise NotAllowed("start", seen, _no_power("start it", "put it into layers with AssignInstance"))
    if seen.status in _UP:
        return []
    if seen.status not in (_S.STOPPED, _S.START_FAILED):
        raise NotAllowed("start", seen)
    ordered = move(seen, _S.REQUESTED, at=now, reason=reason)
    return [Move(seen, replace(ordered, start_id=start_id, booted_at=None, shutdown_by=None))]


def stop(
    seen: Instance, commands: Sequence[Command], now: datetime, *, shutdown_timeout: timedelta, force: bool = False
) -> list[Action]:
    """Take it out of service at once, run its Shutdown recipes, then power it down (section 7, I-11).

    `commands` are those that have not ended; `shutdown_timeout` is the longest of its layers. `force` lets a persistent
    instance forget its machine and skips Shutdown on a disposable one (I-9). A stop that is under way is left alone,
    but where healing had ordered it, the instance now stays stopped. Raises NotAllowed.
    """
    if seen.status in _REGISTERED_ONLY or not seen.provider:
        raise NotAllowed("stop", seen, _no_power("shut it down", "take it out of its layers with UnassignInstance"))
    if force and seen.persistent and seen.status is not _S.STOPPED:
        return [*end_all(commands, "the instance was stopped by force"), *forgotten(seen, now)]
    if seen.status in _STOPS_ANYWAY:
        if seen.heal_id is None:
            return []
        return [Move(seen, replace(seen, heal_id=None)), EndHeal(seen.heal_id, Outcome.CANCELLED)]
    if seen.status in _WITHOUT_AGENT or force:
        return [*end_all(commands, "the instance stopped"), *power_down(seen, now)]
    leaving = replace(move(seen, _S.SHUTTING_DOWN, at=now), shutdown_by=now + shutdown_timeout)
    return [
        *skip_unacknowledged(commands, "the instance stopped"),
        *changed(seen, leaving),
        shutdown_command(seen, shutdown_timeout),
    ]


def reboot(seen: Instance, now: datetime) -> list[Action]:
    """Restart its machine, which keeps its data and runs no event. Raises NotAllowed (I-11)."""
    if not seen.provider:
        raise NotAllowed("reboot", seen, _no_power("reboot it"))
    if seen.machine_id is None:
        raise NotAllowed("reboot", seen, f"it is {seen.status} and has no machine")
    if seen.status not in (_S.ONLINE, _S.SETUP_FAILED):
        raise NotAllowed("reboot", seen)
    return [Move(seen, replace(move(seen, _S.REBOOTING, at=now), booted_at=None))]


def set_up_again(seen: Instance, now: datetime) -> list[Action]:
    """Take it out of service for a Setup by hand; the others are due a Configure without it (E-2)."""
    return changed(seen, move(seen, _S.RUNNING_SETUP, at=now))


def assign(seen: Instance, layer_ids: tuple[str, ...], now: datetime) -> list[Action]:
    """Make a registered machine a member of layers. Raises NotAllowed (I-17)."""
    if seen.provider:
        raise NotAllowed(
            "assign", seen, f"{_MADE_HERE}; its layers are changed with UpdateInstance while it is stopped"
        )
    if seen.status is not _S.REGISTERED:
        raise NotAllowed("assign", seen, f"it is {seen.status}: {_BEFORE_ASSIGNING.get(seen.status, _PATIENCE)}")
    assigned = replace(move(seen, _S.ASSIGNING, at=now), layer_ids=layer_ids)
    return [Move(seen, assigned), setup_command(seen)]


_MADE_HERE: Final = "it was created by the service and is no registered machine"
_PATIENCE: Final = "please wait until it is registered"
_SET_UP_FIRST: Final = "please find out why, and run the command setup on it, before you assign it"
_BEFORE_ASSIGNING: Final = {
    _S.ONLINE: "please take it out of its layers with UnassignInstance first",
    _S.ASSIGNING: "please take it out of its layers with UnassignInstance first",
    _S.SETUP_FAILED: _SET_UP_FIRST,
    _S.CONNECTION_LOST: "its agent is silent; please see to its machine or its network first",
    _S.DEREGISTERING: "it leaves the stack; register it again to assign it",
}


def unassign(
    seen: Instance, commands: Sequence[Command], now: datetime, *, shutdown_timeout: timedelta
) -> list[Action]:
    """Take a registered machine out of all its layers, after their Shutdown recipes. Raises NotAllowed.

    Nothing, where that is under way already. A Setup that runs is aborted.
    """
    if seen.provider:
        raise NotAllowed("unassign", seen, f"{_MADE_HERE}; please stop it, and change its layers with UpdateInstance")
    if seen.status is _S.UNASSIGNING:
        return []
    if not seen.layer_ids:
        raise NotAllowed("unassign", seen, f"it is {seen.status} and in no layer")
    if _S.UNASSIGNING not in MOVES[seen.status]:
        raise NotAllowed("unassign", seen)
    leaving = replace(move(seen, _S.UNASSIGNING, at=now), shutdown_by=now + shutdown_timeout)
    return [
        *skip_unacknowledged(commands, "the instance left its layers"),
        *_abort(commands),
        *changed(seen, leaving),
        shutdown_command(seen, shutdown_timeout),
    ]


def deregister(
    seen: Instance, commands: Sequence[Command], now: datetime, *, shutdown_timeout: timedelta, joined: bool
) -> list[Action]:
    """Let a machine go: Shutdown where it was set up, its agent leaves, its record is removed. Raises NotAllowed (I-9).

    `joined`: an agent has a key for it, so that there is somebody who can leave. Where there is none, the record is
    removed at once. Nothing, where it is under way already.
    """
    if seen.status is _S.DEREGISTERING:
        return []
    if _S.DEREGISTERING not in MOVES[seen.status]:
        raise NotAllowed("deregister", seen, f"it is {seen.status}: please wait until that is over")
    leaving = replace(move(seen, _S.DEREGISTERING, at=now), shutdown_by=None)
    if not joined or seen.status in _WITHOUT_AGENT | {_S.STOPPED}:
        gone = ended_heal(changed(seen, leaving), Outcome.CANCELLED)
        return [*end_all(commands, "the instance was deregistered"), *gone, *deregistered(leaving)]
    was_set_up = bool(seen.layer_ids) and seen.status in _HAS_SET_UP
    return [
        *skip_unacknowledged(commands, "the instance was deregistered"),
        *_abort(commands),
        *ended_heal(changed(seen, leaving), Outcome.CANCELLED),
        *([shutdown_command(seen, shutdown_timeout)] if was_set_up else []),
        AddCommand(stack_id=seen.stack_id, instance_id=seen.id, type="deregister"),
    ]


_HAS_SET_UP: Final = frozenset({_S.ONLINE, _S.SETUP_FAILED, _S.RUNNING_SETUP, _S.CONNECTION_LOST, _S.REBOOTING})


def _abort(commands: Sequence[Command]) -> list[Action]:
    return [AbortCommand(each) for each in commands if each.acknowledged_at is not None]


def heal(
    seen: Instance, commands: Sequence[Command], heal_id: str, now: datetime, *, by: str, last_contact: datetime | None
) -> list[Action]:
    """Heal a named instance now, through every guard of healing (H11). Raises NotAllowed.

    `by` is the ARN of the administrator who asks.
    """
    if seen.status not in (_S.ONLINE, _S.CONNECTION_LOST, _S.SETUP_FAILED):
        raise NotAllowed("heal", seen)
    if not seen.provider or seen.infrastructure_class != "ec2" or seen.machine_id is None:
        raise NotAllowed("heal", seen, "no provider can restart its machine")
    begun = Heal(
        id=heal_id,
        instance_id=seen.id,
        stack_id=seen.stack_id,
        evidence=Evidence.SOFT,
        started_at=now,
        by=by,
        last_contact_at=last_contact,
    )
    return begin_heal(seen, commands, begun, now)
