"""Moves of an instance with everything that belongs to them, so that no move is ever made without it.

Whoever enters or leaves `online` makes a Configure due on the others; an attempt that fails leaves a service error, and
ends the heal it was part of; an instance that goes down takes its commands with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from toque_server.domain.actions import (
    Action,
    AddCommand,
    AddServiceError,
    ConfigureDue,
    EndCommand,
    EndHeal,
    Evidence,
    Heal,
    Move,
    OpenHeal,
    Outcome,
    RemoveInstance,
    Report,
)
from toque_server.domain.command import Command, CommandStatus, Exit
from toque_server.domain.instance import MOVES, Instance, Status, move

_S = Status


def changed(seen: Instance, new: Instance) -> list[Action]:
    """The move from one to the other, and the Configure it makes due."""
    actions: list[Action] = [Move(seen, new)]
    if _S.ONLINE in (seen.status, new.status) and seen.status is not new.status:
        verb = "came" if new.status is _S.ONLINE else "left"
        actions.append(ConfigureDue(new.stack_id, f"{new.hostname} {verb} online"))
    return actions


def reach(seen: Instance, to: Status, now: datetime, reason: str = "") -> list[Action]:
    """Move there, by way of `running_setup` where there is no direct way."""
    if seen.status is to:
        return []
    if to in MOVES[seen.status]:
        return changed(seen, move(seen, to, at=now, reason=reason))
    between = move(seen, _S.RUNNING_SETUP, at=now)
    return [*changed(seen, between), *changed(between, move(between, to, at=now, reason=reason))]


def ended_heal(actions: list[Action], outcome: Outcome) -> list[Action]:
    """The same moves, the last of which also ends the heal that the instance is part of, if it is."""
    last = next((n for n in reversed(range(len(actions))) if isinstance(actions[n], Move)), None)
    if last is None or not isinstance(final := actions[last], Move) or (heal_id := final.new.heal_id) is None:
        return actions
    actions[last] = Move(final.seen, replace(final.new, heal_id=None))
    return [*actions, EndHeal(heal_id, outcome)]


def start_failed(seen: Instance, reason: str, now: datetime) -> list[Action]:
    """Nothing repairs it but a person (I-7)."""
    return [
        *ended_heal([Move(seen, move(seen, _S.START_FAILED, at=now, reason=reason))], Outcome.START_FAILED),
        _service_error(seen, "start_failed", f"{seen.hostname} could not be started: {reason}"),
    ]


def stop_failed(seen: Instance, reason: str, now: datetime) -> list[Action]:
    return [
        *ended_heal([Move(seen, move(seen, _S.STOP_FAILED, at=now, reason=reason))], Outcome.STOP_FAILED),
        _service_error(seen, "stop_failed", f"{seen.hostname} could not be stopped: {reason}"),
    ]


def setup_failed(seen: Instance, reason: str, now: datetime) -> list[Action]:
    """The machine goes on running, so that somebody can look."""
    return [
        *ended_heal(reach(seen, _S.SETUP_FAILED, now, reason), Outcome.SETUP_FAILED),
        _service_error(seen, "setup_failed", f"Setup of {seen.hostname} failed: {reason}"),
    ]


def set_up(seen: Instance, now: datetime) -> list[Action]:
    """Setup is done: `online`, or `registered` for an instance of no layer (I-9)."""
    return ended_heal(reach(seen, _S.ONLINE if seen.layer_ids else _S.REGISTERED, now), Outcome.HEALED)


def power_down(seen: Instance, now: datetime) -> list[Action]:
    """To `stopping` or `terminating`, by the kind of its disk; the provider is called in the next turn.

    Whoever asks for this wants it stopped, so a heal that it was part of is over.
    """
    down = replace(move(seen, _S.STOPPING if seen.persistent else _S.TERMINATING, at=now), shutdown_by=None)
    return ended_heal(changed(seen, down), Outcome.CANCELLED)


def forgotten(seen: Instance, now: datetime) -> list[Action]:
    """Straight to `stopped`, without the machine: the operator removes that himself (I-9)."""
    chain: list[Action] = []
    here = seen
    if _S.STOPPED not in MOVES[here.status]:
        here = move(seen, _S.STOPPING, at=now)
        chain = changed(seen, here)
    at_rest = replace(move(here, _S.STOPPED, at=now), machine_id=None, start_id=None, shutdown_by=None)
    return ended_heal([*chain, *changed(here, at_rest)], Outcome.CANCELLED)


def unassigned(seen: Instance, now: datetime) -> list[Action]:
    """A registered machine has left its layers, and runs on."""
    return [Move(seen, replace(move(seen, _S.REGISTERED, at=now), layer_ids=(), shutdown_by=None))]


def deregistered(seen: Instance) -> list[Action]:
    """The record goes; the machine, whoever made it, runs on and is its owner's."""
    machine = f" {seen.machine_id}" if seen.machine_id else ""
    told = f"{seen.hostname} was deregistered: its machine{machine} is its owner's alone now"
    return [
        Report(kind="instance.deregistered", message=told, stack_id=seen.stack_id, instance_id=seen.id),
        RemoveInstance(seen),
    ]


def setup_command(seen: Instance, *, after_boot: bool = False) -> AddCommand:
    """The Setup after a boot or an assignment: it waits until the agent takes it, however long that is (E-16)."""
    args = {"after_boot": True} if after_boot else {}
    return AddCommand(stack_id=seen.stack_id, instance_id=seen.id, type="setup", args=args, waits=True)


def shutdown_command(seen: Instance, timeout: timedelta) -> AddCommand:
    return AddCommand(
        stack_id=seen.stack_id, instance_id=seen.id, type="shutdown", deadline=timeout, expires_after=timeout
    )


def skip_unacknowledged(commands: Iterable[Command], reason: str) -> list[Action]:
    return [EndCommand(c, CommandStatus.SKIPPED, None, reason) for c in commands if c.acknowledged_at is None]


def end_all(commands: Iterable[Command], reason: str) -> list[Action]:
    """The instance goes, and its commands with it: what runs has failed, the rest is skipped (E-16).

    A Shutdown that still runs has run out of its time (E-6); another run was aborted.
    """
    ended: list[Action] = []
    for each in commands:
        if each.acknowledged_at is None:
            ended.append(EndCommand(each, CommandStatus.SKIPPED, None, reason))
        elif each.type == "shutdown":
            ended.append(EndCommand(each, CommandStatus.FAILED, Exit.TIMED_OUT, "the Shutdown recipes took too long"))
        else:
            ended.append(EndCommand(each, CommandStatus.FAILED, Exit.ABORTED, reason))
    return ended


def _service_error(seen: Instance, type: str, message: str) -> AddServiceError:
    return AddServiceError(stack_id=seen.stack_id, instance_id=seen.id, type=type, message=message)


def begin_heal(seen: Instance, commands: Iterable[Command], heal: Heal, now: datetime) -> list[Action]:
    """Out of service at once, without Shutdown; the loops stop its machine and start it again (I-13)."""
    down = move(seen, _S.STOPPING if seen.persistent else _S.TERMINATING, at=now, reason="healing")
    heard = f"last contact {heal.last_contact_at:%Y-%m-%d %H:%M:%S} UTC" if heal.last_contact_at else "never heard"
    why = "its provider says that it is down" if heal.evidence is Evidence.HARD else "its agent is silent"
    message = f"healing {seen.hostname}: {why}, {heard}"
    return [
        *end_all(commands, "the instance is healed"),
        *changed(seen, replace(down, heal_id=heal.id, shutdown_by=None)),
        OpenHeal(heal),
        AddServiceError(stack_id=seen.stack_id, instance_id=seen.id, type="auto_healing", message=message),
        Report(
            kind="heal.started",
            message=message,
            stack_id=seen.stack_id,
            instance_id=seen.id,
            data={"heal_id": heal.id, "initiator": heal.by, "evidence": heal.evidence.value},
        ),
    ]
