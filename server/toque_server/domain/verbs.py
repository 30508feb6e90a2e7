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
    end_all,
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


def start(seen: Instance, start_id: str, now: datetime, *, reason: str = "") -> list[Action]:
    """Order its machine, under the id that makes the order happen once. Nothing, where it is up or on its way (I-10).

    Raises NotAllowed. Whether scaling leaves starting to people is the caller's question.
    """
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
    if seen.status in _REGISTERED_ONLY or seen.infrastructure_class == "on-premises":
        raise NotAllowed("stop", seen, "a registered machine is deregistered instead")
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
    if seen.infrastructure_class == "on-premises" or seen.machine_id is None:
        raise NotAllowed("reboot", seen, "no provider can reach its machine")
    if seen.status not in (_S.ONLINE, _S.SETUP_FAILED):
        raise NotAllowed("reboot", seen)
    return [Move(seen, replace(move(seen, _S.REBOOTING, at=now), booted_at=None))]


def set_up_again(seen: Instance, now: datetime) -> list[Action]:
    """Take it out of service for a Setup by hand; the others are due a Configure without it (E-2)."""
    return changed(seen, move(seen, _S.RUNNING_SETUP, at=now))


def assign(seen: Instance, layer_ids: tuple[str, ...], now: datetime) -> list[Action]:
    """Make a registered machine a member of layers. Raises NotAllowed (I-17)."""
    if seen.status is not _S.REGISTERED:
        raise NotAllowed("assign", seen)
    assigned = replace(move(seen, _S.ASSIGNING, at=now), layer_ids=layer_ids)
    return [Move(seen, assigned), setup_command(seen)]


def unassign(
    seen: Instance, commands: Sequence[Command], now: datetime, *, shutdown_timeout: timedelta
) -> list[Action]:
    """Take a registered machine out of its layers, after their Shutdown recipes. Raises NotAllowed."""
    if _S.UNASSIGNING not in MOVES[seen.status] or seen.provider:
        raise NotAllowed("unassign", seen)
    leaving = replace(move(seen, _S.UNASSIGNING, at=now), shutdown_by=now + shutdown_timeout)
    return [
        *skip_unacknowledged(commands, "the instance left its layers"),
        *(AbortCommand(each) for each in commands if each.acknowledged_at is not None),
        *changed(seen, leaving),
        shutdown_command(seen, shutdown_timeout),
    ]


def deregister(seen: Instance, commands: Sequence[Command], now: datetime) -> list[Action]:
    """Let a machine go: its agent uninstalls itself, its record is removed (I-9). Raises NotAllowed."""
    if _S.DEREGISTERING not in MOVES[seen.status]:
        raise NotAllowed("deregister", seen)
    return [
        *skip_unacknowledged(commands, "the instance was deregistered"),
        *(AbortCommand(each) for each in commands if each.acknowledged_at is not None),
        *changed(seen, move(seen, _S.DEREGISTERING, at=now)),
        AddCommand(stack_id=seen.stack_id, instance_id=seen.id, type="deregister"),
    ]


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
