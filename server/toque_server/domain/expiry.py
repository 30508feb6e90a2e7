"""Which commands have waited or run too long (E-16, R9): every command ends within its limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from toque_server.domain.actions import Action, EndCommand
from toque_server.domain.command import Command, CommandStatus, Exit
from toque_server.domain.consequences import after_result
from toque_server.domain.instance import Instance


def decide(
    commands: Iterable[Command],
    instances: Mapping[str, Instance],
    last_contacts: Mapping[str, datetime],
    lost_after: timedelta,
    now: datetime,
) -> list[list[Action]]:
    """A run has failed when its instance was not heard for `lost_after`.

    One list for each command that ends here, with what follows from it. Each takes effect by itself."""
    ended: list[list[Action]] = []
    for command in commands:
        instance = instances.get(command.instance_id)
        if instance is None or command.completed_at is not None:
            continue
        if command.acknowledged_at is None:
            if command.expires_at is not None and command.expires_at <= now:
                reason = "no agent took it in time"
                end = EndCommand(command, CommandStatus.EXPIRED, None, reason)
                # Not INTERRUPTED: a run that never began leaves nothing half done, so nothing is asked for anew.
                ended.append([end, *after_result(instance, command, Exit.TIMED_OUT, now, reason=reason)])
        else:
            heard = max(last_contacts.get(instance.id, command.acknowledged_at), command.acknowledged_at)
            if now - heard > lost_after:
                reason = "the instance was not heard any more"
                end = EndCommand(command, CommandStatus.FAILED, Exit.INTERRUPTED, reason)
                ended.append([end, *after_result(instance, command, Exit.INTERRUPTED, now, reason=reason)])
    return ended
