"""The doing half of every decision: each Action of `domain.actions` has its one place here.

A list of actions is one whole. Where the database is no longer as an action saw it, Overtaken is raised and the caller
lets the transaction (or its savepoint) roll back: somebody else was faster, and the next look decides anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import assert_never

from msgspec.structs import replace
from sqlalchemy import Connection

from toque_server.domain.actions import (
    AbortCommand,
    Action,
    AddCommand,
    AddServiceError,
    Configure,
    ConfigureDue,
    EndCommand,
    EndHeal,
    HealStarted,
    KeepAddresses,
    Move,
    OpenHeal,
    RemoveInstance,
    Report,
    SettleDeployment,
    Wait,
)
from toque_server.domain.command import Command, CommandStatus
from toque_server.domain.deployment import settle
from toque_server.settings import CommandTimes
from toque_server.store import (
    attachments,
    commands,
    configures,
    deployments,
    events,
    heals,
    instances,
    logs,
    service_errors,
)
from toque_server.store.service_errors import ServiceError


class Overtaken(Exception):
    """The database is not as the decision saw it. Ordinary: roll back, and decide anew from what is there now."""

    def __init__(self, action: Action) -> None:
        super().__init__(f"the database changed before {type(action).__name__} could take effect")
        self.action = action


def apply(
    conn: Connection, actions: Iterable[Action], now: datetime, *, new_id: Callable[[], str], times: CommandTimes
) -> None:
    """Write what was decided, all of it or, raising Overtaken, none (the caller's transaction must roll back).

    `new_id` names what is made; `times` says how long a command waits and takes where the action does not.
    """
    for action in actions:
        if not _done(conn, action, now, new_id, times):
            raise Overtaken(action)


def _done(conn: Connection, action: Action, now: datetime, new_id: Callable[[], str], times: CommandTimes) -> bool:
    match action:
        case Move():
            return _move(conn, action, now)
        case AddCommand():
            commands.add(conn, _command(action, now, new_id, times))
        case EndCommand():
            return _end(conn, action, now)
        case AbortCommand(seen):
            commands.abort(conn, seen)
        case SettleDeployment(deployment_id):
            _settle(conn, deployment_id, now)
        case ConfigureDue(stack_id, cause):
            configures.touch(conn, stack_id, at=now, cause=cause)
        case Configure():
            return _configure(conn, action, now, new_id, times)
        case Wait(seen, next):
            return configures.swap(conn, seen, next)
        case OpenHeal(heal):
            return heals.open(conn, heal)
        case HealStarted(heal_id):
            heals.machine_started(conn, heal_id, now)
        case EndHeal(heal_id, outcome):
            heals.end(conn, heal_id, outcome, now)
        case AddServiceError():
            _service_error(conn, action, now, new_id())
        case Report(kind=kind, message=message, stack_id=stack, instance_id=instance, data=data):
            events.add(conn, kind, message, at=now, stack_id=stack, instance_id=instance, data=data)
        case KeepAddresses():
            _keep_addresses(conn, action)
        case RemoveInstance(seen):
            # What a deregistered machine has stays attached to it, and is this installation's no longer (03 § 12.4).
            attachments.release(conn, seen, deregister_elastic_ip=True, deregister_volumes=True, at=now)
            instances.remove(conn, seen)
        case _:
            assert_never(action)
    return True


def _move(conn: Connection, action: Move, now: datetime) -> bool:
    seen, new = action.seen, action.new
    if not instances.swap(conn, seen, new):
        return False
    if seen.status is not new.status:
        because = f": {new.reason}" if new.reason else ""
        events.add(
            conn,
            "instance.status",
            f"{new.hostname} is {new.status}{because}",
            at=now,
            stack_id=new.stack_id,
            instance_id=new.id,
            data={"status": new.status.value, "previous": seen.status.value, "reason": new.reason},
        )
    return True


def _command(action: AddCommand, now: datetime, new_id: Callable[[], str], times: CommandTimes) -> Command:
    id = new_id()
    return Command(
        id=id,
        stack_id=action.stack_id,
        instance_id=action.instance_id,
        cause_id=id,
        type=action.type,
        args={"app_ids": []} | dict(action.args),
        created_at=now,
        expires_at=None if action.waits else now + (action.expires_after or times.expire_after),
        deadline_seconds=(action.deadline or times.deadline).total_seconds(),
    )


def _end(conn: Connection, action: EndCommand, now: datetime) -> bool:
    if action.status in (CommandStatus.SKIPPED, CommandStatus.EXPIRED):
        ended = commands.finish_unacknowledged(conn, action.seen, action.status, now, action.reason)
    else:
        ended = commands.finish(conn, action.seen, action.status, action.exit_code, now, action.reason)
    if ended:
        report_ended(conn, action.seen, action.status, action.exit_code, now, action.reason)
        if action.seen.acknowledged_at is None and action.status is not CommandStatus.SKIPPED:
            # No agent has a log of it, so ours is the one that says why (ruling 2).
            logs.say(conn, action.seen.id, action.reason)
        if action.seen.deployment_id is not None:
            _settle(conn, action.seen.deployment_id, now)
    return ended


def report_ended(
    conn: Connection, command: Command, status: CommandStatus, exit_code: int | None, now: datetime, reason: str
) -> None:
    """Tell the event stream how a command ended."""
    because = f": {reason}" if reason else ""
    events.add(
        conn,
        "command.ended",
        f"{command.type} is {status}{because}",
        at=now,
        stack_id=command.stack_id,
        instance_id=command.instance_id,
        data={"command_id": command.id, "status": status.value, "exit_code": exit_code},
    )


def _settle(conn: Connection, deployment_id: str, now: datetime) -> None:
    # Looking at all of its commands at each one's end would be n² for n targets.
    if commands.is_under_way(conn, deployment_id):
        return
    seen = deployments.get(conn, deployment_id)
    if seen is None:
        return
    ended = settle(seen, commands.statuses_of_deployment(conn, deployment_id), now)
    if ended is not None and deployments.finish(conn, seen, ended):
        events.add(
            conn,
            "deployment.ended",
            f"{ended.command_name} is {ended.status}",
            at=now,
            stack_id=ended.stack_id,
            data={"deployment_id": ended.id, "status": ended.status.value},
        )


def _configure(
    conn: Connection, action: Configure, now: datetime, new_id: Callable[[], str], times: CommandTimes
) -> bool:
    if not configures.swap(conn, action.seen, action.next):
        return False
    commands.supersede_configures(conn, action.recipients, now)
    cause = new_id()
    made = [
        Command(
            id=new_id(),
            stack_id=action.seen.stack_id,
            instance_id=recipient,
            cause_id=cause,
            type="configure",
            args={"app_ids": []},
            created_at=now,
            expires_at=now + times.expire_after,
            deadline_seconds=times.deadline.total_seconds(),
        )
        for recipient in action.recipients
    ]
    commands.add(conn, *made)
    if made:
        events.add(
            conn,
            "stack.configure",
            f"Configure for {len(made)} instances: {action.seen.cause}",
            at=now,
            stack_id=action.seen.stack_id,
            data={"instances": len(made), "cause": action.seen.cause},
        )
    return True


def _service_error(conn: Connection, action: AddServiceError, now: datetime, id: str) -> None:
    error = ServiceError(
        id=id,
        stack_id=action.stack_id,
        instance_id=action.instance_id,
        type=action.type,
        message=action.message,
        created_at=now,
    )
    service_errors.add(conn, error)


def _keep_addresses(conn: Connection, action: KeepAddresses) -> None:
    instances.held(conn, [action.instance.id])
    details = instances.details(conn, [action.instance.id]).get(action.instance.id)
    if details is None:
        return
    known = replace(
        details,
        private_ip=action.private_ip,
        public_ip=action.public_ip,
        private_dns=action.private_dns,
        public_dns=action.public_dns,
    )
    if known != details:
        instances.set_details(conn, action.instance, known)
