"""Commands as an operator sees them: queued, handed out, acknowledged, running, ended, and why (chapter 04 § 7)."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from toque_server.domain.command import Command
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, cut
from toque_server.operations.registry import TOQUE, Permission, Result, operation
from toque_server.store import commands, contacts, instances


class DescribeCommandDetails(Paged, frozen=True, kw_only=True):
    """Of a stack: only the commands that have not ended. At most 1,000 on a page."""

    largest: ClassVar[int] = 1000

    stack_id: str | None = None
    deployment_id: str | None = None
    instance_id: str | None = None
    command_ids: list[str] | None = None


class CommandDetail(Result, frozen=True, kw_only=True):
    """`state` is `queued`, `dispatched`, `acknowledged`, `running`, or how it ended: `successful`, `failed`, `skipped`,
    `expired`. `acknowledged`: the agent has it in its journal and is not at it yet, as far as its contacts tell.
    `seconds` counts from the acknowledgement, up to now or to the end. Of resources: how many `changed`, of these how
    many because something else was asked for (`intended`) and how many because somebody else had changed them
    (`drift_corrected`); `flapping` are those that change in every run. Absent before the agent's result."""

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
    changed: int | None
    intended: int | None
    drift_corrected: int | None
    flapping: tuple[str, ...] | None


class CommandDetailsDescribed(Result, frozen=True, kw_only=True):
    commands: list[CommandDetail]
    next_token: str | None


@operation(
    permission=Permission.SHOW,
    target=TOQUE,
    stack=finding.one_of(stack_id="stack", deployment_id="deployment", instance_id="instance", command_ids="command"),
    raises=(ValidationException, ResourceNotFoundException),
)
def describe_command_details(ctx: Context, req: DescribeCommandDetails) -> CommandDetailsDescribed:
    """Describe commands with everything that DescribeCommands leaves out: where each stands, why, who asked.

    The newest first. Of a stack only what has not ended: ask by deployment, by instance or by id for the rest.
    """
    placed, token = cut(ctx, req, partial(_older, ctx, req), key=_text)
    found = [command for command, _ in placed]
    ids = {each.instance_id for each in found}
    names = {id: each.hostname for id, each in instances.by_ids(ctx.conn, ids).items()}
    running = _running(ctx, found)
    told = commands.told(ctx.conn, [each.id for each in found])
    return CommandDetailsDescribed(
        commands=[_view(ctx, each, names, running, told.get(each.id)) for each in found], next_token=token
    )


def _older(
    ctx: Context, req: DescribeCommandDetails, than: str | None, most: int
) -> list[tuple[Command, commands.Place]]:
    wanted = commands.Wanted(
        open_of_stack=req.stack_id,
        deployment_id=req.deployment_id,
        instance_id=req.instance_id,
        ids=req.command_ids,
    )
    if than is None:
        return commands.listed(ctx.conn, wanted, limit=most)
    at, number, id = than.split(" ")
    return commands.listed(ctx.conn, wanted, limit=most, behind=(datetime.fromisoformat(at), int(number), id))


def _text(placed: tuple[Command, commands.Place]) -> str:
    at, number, id = placed[1]
    return f"{at.isoformat()} {number} {id}"


def _running(ctx: Context, found: list[Command]) -> set[str]:
    """What the agents said, with their last contact, that they run."""
    stacks = {each.stack_id for each in found if each.completed_at is None and each.acknowledged_at is not None}
    return {contact.running for id in stacks for contact in contacts.of_stack(ctx.conn, id).values()}


def _view(
    ctx: Context, command: Command, names: dict[str, str], running: set[str], told: commands.Told | None
) -> CommandDetail:
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
        changed=None if told is None else told.resources.changed,
        intended=None if told is None else told.causes.intended,
        drift_corrected=None if told is None else told.causes.drift_corrected,
        flapping=None if told is None else told.causes.flapping,
    )


def _state(command: Command, running: set[str]) -> str:
    if command.completed_at is not None:
        return command.status.value
    if command.acknowledged_at is not None:
        return "running" if command.id in running else "acknowledged"
    return "queued" if command.dispatched_at is None else "dispatched"
