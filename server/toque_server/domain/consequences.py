"""What follows: from a command that ended (chapter 04, section 10), and from what a provider answered to an order."""

from __future__ import annotations

from datetime import datetime
from typing import Final, assert_never

import msgspec
from msgspec.structs import replace

from toque_server.domain.actions import (
    Action,
    AddCommand,
    AddServiceError,
    LaunchMachine,
    Move,
    Order,
    RebootMachine,
    SettleDeployment,
    StartMachine,
    StopMachine,
    TerminateMachine,
)
from toque_server.domain.command import Command, Exit
from toque_server.domain.instance import Instance, Status, move
from toque_server.domain.transitions import (
    deregistered,
    power_down,
    set_up,
    setup_failed,
    start_failed,
    stop_failed,
    unassigned,
)

_S = Status


def after_result(
    instance: Instance, command: Command, exit_code: int, now: datetime, *, reason: str = "", rebooting: bool = False
) -> list[Action]:
    """What a finished command means for its instance and its deployment (chapter 04, section 10).

    `rebooting`: the agent restarts the machine by itself after this run. The command itself is ended by the caller, in
    the same transaction.
    """
    actions = _after_command(instance, command, exit_code, now, reason)
    if rebooting and not actions and instance.status in (_S.ONLINE, _S.SETUP_FAILED):
        restarted = replace(move(instance, _S.REBOOTING, at=now, reason="the node restarts itself"), booted_at=now)
        actions = [Move(instance, restarted)]
    if command.deployment_id is not None:
        actions = [*actions, SettleDeployment(command.deployment_id)]
    return actions


def _after_command(instance: Instance, command: Command, exit_code: int, now: datetime, reason: str) -> list[Action]:
    failed = exit_code != Exit.OK
    match command.type:
        case "setup" if instance.status in _SETS_UP or (
            instance.status is _S.CONNECTION_LOST and instance.previous is _S.RUNNING_SETUP
        ):
            if failed:
                return setup_failed(instance, reason or f"it ended with exit code {exit_code}", now)
            return set_up(instance, now)
        case "shutdown" if instance.status is _S.SHUTTING_DOWN:
            return power_down(instance, now)
        case "shutdown" if instance.status is _S.UNASSIGNING:
            return unassigned(instance, now)
        case "shutdown" if instance.status is _S.DEREGISTERING and command.acknowledged_at is not None:
            # The agent is there: its time to leave begins now.
            return [Move(instance, replace(instance, shutdown_by=now))]
        case "deregister" if instance.status is _S.DEREGISTERING:
            return deregistered(instance)
        case "configure" | "update_agent" if failed:
            return _failed_quietly(instance, command, exit_code, reason)
        case _:
            return []


_SETS_UP: Final = frozenset({_S.RUNNING_SETUP, _S.ONLINE, _S.SETUP_FAILED, _S.REGISTERING, _S.ASSIGNING, _S.REGISTERED})


def _failed_quietly(instance: Instance, command: Command, exit_code: int, reason: str) -> list[Action]:
    """The instance stays as it is (E-4). A Configure whose end nobody saw is asked for anew: it is only fresher."""
    what = "a Configure" if command.type == "configure" else "the agent's update"
    why = reason or f"exit code {exit_code}"
    actions: list[Action] = [
        AddServiceError(
            stack_id=instance.stack_id,
            instance_id=instance.id,
            type=f"{command.type}_failed",
            message=f"{what} of {instance.hostname} failed: {why} (command {command.id})",
        )
    ]
    if command.type == "configure" and exit_code == Exit.INTERRUPTED and instance.status is _S.ONLINE:
        actions.append(AddCommand(stack_id=instance.stack_id, instance_id=instance.id, type="configure"))
    return actions


class Made(msgspec.Struct, frozen=True):
    """The provider did it; `machine_id` is what a launch made."""

    machine_id: str | None = None


class Refused(msgspec.Struct, frozen=True):
    """The provider did not. `retriable`: the next turn may simply ask again."""

    message: str
    retriable: bool


def after_order(instance: Instance | None, order: Order, answer: Made | Refused, now: datetime) -> list[Action | Order]:
    """What a provider's answer means for the instance as it is now; None: its record is gone."""
    if isinstance(answer, Made):
        return _after_success(instance, order, answer, now)
    if instance is None or answer.retriable or instance.status is not order.seen.status:
        return []
    match order:
        case LaunchMachine() if instance.status in (_S.STOPPING, _S.TERMINATING):
            # The id that could have made a machine made none, so there is nothing to take down.
            return [Move(instance, replace(instance, start_id=None))]
        case LaunchMachine() | StartMachine():
            return [*start_failed(instance, answer.message, now)]
        case TerminateMachine() if instance.status is _S.REQUESTED:
            return [*start_failed(instance, f"what is left of its last machine: {answer.message}", now)]
        case StopMachine() | TerminateMachine():
            return [*stop_failed(instance, answer.message, now)]
        case RebootMachine():
            back = instance.previous or _S.ONLINE
            return [Move(instance, move(instance, back, at=now, reason=f"not rebooted: {answer.message}"))]
        case _:
            assert_never(order)


def _after_success(instance: Instance | None, order: Order, answer: Made, now: datetime) -> list[Action | Order]:
    match order:
        case LaunchMachine():
            return _launched(instance, order, answer, now)
        case StartMachine() if _same_start(instance, order.seen) and instance is not None:
            if instance.status is not _S.REQUESTED:
                return []
            return [Move(instance, replace(move(instance, _S.PENDING, at=now), booted_at=instance.since))]
        case TerminateMachine() if instance is not None and instance.machine_id == order.seen.machine_id:
            # In `terminating` the provider must be seen to have done it; here only a new machine waits for it.
            forget = instance.status is _S.REQUESTED
            return [Move(instance, replace(instance, machine_id=None))] if forget else []
        case RebootMachine() if instance is not None and instance.status is _S.REBOOTING:
            return [Move(instance, replace(instance, booted_at=now))]
        case _:
            return []


def _launched(instance: Instance | None, order: LaunchMachine, answer: Made, now: datetime) -> list[Action | Order]:
    if instance is None or not _same_start(instance, order.seen):
        # Nobody waits for this machine any more.
        return [TerminateMachine(replace(order.seen, machine_id=answer.machine_id))]
    if instance.machine_id is not None:
        return []
    if instance.status is _S.REQUESTED:
        began = replace(move(instance, _S.PENDING, at=now), machine_id=answer.machine_id, booted_at=instance.since)
        return [Move(instance, began)]
    return [Move(instance, replace(instance, machine_id=answer.machine_id))]


def _same_start(instance: Instance | None, seen: Instance) -> bool:
    return instance is not None and instance.start_id is not None and instance.start_id == seen.start_id
