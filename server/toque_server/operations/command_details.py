"""Commands as an operator sees them: queued, handed out, acknowledged, running, ended, and why (chapter 04 § 7)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from toque_server.domain.command import Command
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import commands, contacts, instances

_MOST = 1000


class DescribeCommandDetails(Request, frozen=True, kw_only=True):
    """Of a stack: only the commands that have not ended. `limit` bounds what an instance's history answers."""

    stack_id: str | None = None
    deployment_id: str | None = None
    instance_id: str | None = None
    command_ids: list[str] | None = None
    limit: int = 100


class CommandDetail(Result, frozen=True, kw_only=True):
    """`state` is `queued`, `dispatched`, `acknowledged`, `running`, or how it ended: `successful`, `failed`, `skipped`,
    `expired`. `acknowledged`: the agent has it in its journal and is not at it yet, as far as its contacts tell.
    `seconds` counts from the acknowledgement, up to now or to the end."""

    command_id: str
    stack_id: str
    instance_id: str
    hostname: str
    deployment_id: str | None
    type: str
    recipes: list[str]
    user_arn: str | None
    state: str
    reason: str
    exit_code: int | None
    created_at: datetime
    dispatched_at: datetime | None
    acknowledged_at: datetime | None
    completed_at: datetime | None
    seconds: float | None


class CommandDetailsDescribed(Result, frozen=True, kw_only=True):
    commands: list[CommandDetail]


@operation(
    permission=Permission.SHOW,
    target=TOQUE,
    stack=finding.one_of(stack_id="stack", deployment_id="deployment", instance_id="instance", command_ids="command"),
    raises=(ValidationException, ResourceNotFoundException),
)
def describe_command_details(ctx: Context, req: DescribeCommandDetails) -> CommandDetailsDescribed:
    """Describe commands with everything that DescribeCommands leaves out: where each stands, why, who asked.

    Of a stack only what has not ended: ask by deployment, by instance or by id for the rest.
    """
    if not 0 < req.limit <= _MOST:
        raise ValidationException(f"Limit must be 1 to {_MOST}", field="Limit")
    found = _found(ctx, req)
    ids = {each.instance_id for each in found}
    names = {id: each.hostname for id, each in instances.by_ids(ctx.conn, ids).items()}
    running = _running(ctx, found)
    return CommandDetailsDescribed(commands=[_view(ctx, each, names, running) for each in found])


def _found(ctx: Context, req: DescribeCommandDetails) -> list[Command]:
    if req.stack_id is not None:
        everyone = [each.id for each in instances.of_stack(ctx.conn, req.stack_id)]
        waiting = commands.open_of(ctx.conn, everyone)
        return sorted((each for queue in waiting.values() for each in queue), key=lambda c: c.created_at, reverse=True)
    if req.deployment_id is not None:
        return commands.of_deployment(ctx.conn, req.deployment_id)
    if req.instance_id is not None:
        return commands.of_instance(ctx.conn, req.instance_id, limit=req.limit)
    return commands.by_ids(ctx.conn, req.command_ids or [])


def _running(ctx: Context, found: list[Command]) -> set[str]:
    """What the agents said, with their last contact, that they run."""
    stacks = {each.stack_id for each in found if each.completed_at is None and each.acknowledged_at is not None}
    return {contact.running for id in stacks for contact in contacts.of_stack(ctx.conn, id).values()}


def _view(ctx: Context, command: Command, names: dict[str, str], running: set[str]) -> CommandDetail:
    seconds = None
    if command.acknowledged_at is not None:
        seconds = ((command.completed_at or ctx.now) - command.acknowledged_at).total_seconds()
    args: dict[str, Any] = command.args
    return CommandDetail(
        command_id=command.id,
        stack_id=command.stack_id,
        instance_id=command.instance_id,
        hostname=names.get(command.instance_id, command.instance_id),
        deployment_id=command.deployment_id,
        type=command.type,
        recipes=[str(each) for each in args.get("recipes", ())],
        user_arn=command.user_arn,
        state=_state(command, running),
        reason=command.reason,
        exit_code=command.exit_code,
        created_at=command.created_at,
        dispatched_at=command.dispatched_at,
        acknowledged_at=command.acknowledged_at,
        completed_at=command.completed_at,
        seconds=None if seconds is None else round(max(0.0, seconds), 1),
    )


def _state(command: Command, running: set[str]) -> str:
    if command.completed_at is not None:
        return command.status.value
    if command.acknowledged_at is not None:
        return "running" if command.id in running else "acknowledged"
    return "queued" if command.dispatched_at is None else "dispatched"
