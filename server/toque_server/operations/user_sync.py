"""Bringing shell accounts to the nodes when rights or keys change (ruling 1, chapter 07 § 5.4)."""

from __future__ import annotations

from collections.abc import Iterable

from toque_server.domain.command import Command
from toque_server.domain.instance import Status
from toque_server.operations.context import Context
from toque_server.store import commands, configures, instances, stacks

_REACHED = frozenset({Status.ONLINE, Status.REGISTERED})


def sync_users(ctx: Context, stack_ids: Iterable[str], *, revokes: bool, cause: str) -> None:
    """Order `sync_remote_users` on the online and registered instances of these stacks, and a Configure after it.

    A command that still waits serves a further change as well, unless this one takes a right away and that one did not:
    a revocation overtakes others (E-20). Instances that are away catch up in their next Setup.
    """
    for stack_id in stack_ids:
        stacks.touch(ctx.conn, stack_id)
        reached = [each for each in instances.of_stack(ctx.conn, stack_id) if each.status in _REACHED]
        waiting = commands.open_of(ctx.conn, [each.id for each in reached])
        cause_id = ctx.new_id()
        commands.add(
            ctx.conn,
            *(
                Command(
                    id=ctx.new_id(),
                    stack_id=stack_id,
                    instance_id=each.id,
                    cause_id=cause_id,
                    type="sync_remote_users",
                    args={"revokes": revokes},
                    created_at=ctx.now,
                    expires_at=ctx.now + ctx.settings.command.expire_after,
                    deadline_seconds=ctx.settings.command.deadline.total_seconds(),
                )
                for each in reached
                if not _serves(waiting.get(each.id, ()), revokes)
            ),
        )
        if any(each.status is Status.ONLINE for each in reached):
            configures.touch(ctx.conn, stack_id, at=ctx.now, cause=cause)


def _serves(waiting: Iterable[Command], revokes: bool) -> bool:
    return any(
        each.type == "sync_remote_users"
        and each.dispatched_at is None
        and (bool(each.args.get("revokes")) or not revokes)
        for each in waiting
    )
