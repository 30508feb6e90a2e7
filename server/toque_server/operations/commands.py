"""Commands: what each instance was told to do, and how it went (chapter 04 § 7)."""

from __future__ import annotations

from toque_server.domain.command import Command, CommandStatus
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.security.urls import sign_log_url
from toque_server.store import commands, logs

_RAISES = (ValidationException, ResourceNotFoundException)
_LONGEST_PIECE = 1 << 20


class DescribeCommands(Request, frozen=True, kw_only=True):
    deployment_id: str | None = None
    instance_id: str | None = None
    command_ids: list[str] | None = None


class CommandView(Result, frozen=True, kw_only=True):
    """One command as OpsWorks showed it: a command that runs is `pending` and has `acknowledged_at`."""

    command_id: str
    instance_id: str
    deployment_id: str | None
    created_at: str
    acknowledged_at: str | None
    completed_at: str | None
    status: str
    exit_code: int | None
    log_url: str | None
    type: str


class CommandsDescribed(Result, frozen=True, kw_only=True):
    commands: list[CommandView]


class GetCommandLog(Request, frozen=True, kw_only=True):
    """`offset` is in bytes; `limit` bounds the answer, at most 1 MiB."""

    command_id: str
    offset: int = 0
    limit: int = 256 * 1024


class CommandLog(Result, frozen=True, kw_only=True):
    """A piece of a log. `next_offset`: where the next one begins; `complete`: the run has ended, and this was all."""

    text: str
    next_offset: int
    size: int
    complete: bool
    status: str
    reason: str


@operation(
    permission=Permission.SHOW,
    stack=finding.one_of(deployment_id="deployment", instance_id="instance", command_ids="command"),
    raises=_RAISES,
)
def describe_commands(ctx: Context, req: DescribeCommands) -> CommandsDescribed:
    """Describe the commands of a deployment, of an instance, or the named ones; newest first.

    `LogUrl` is there from the acknowledgement on, also while the command runs, and good for one hour. A command that
    ended before any agent took it has one too, where the server has said why in its log.
    """
    if req.deployment_id is not None:
        found = commands.of_deployment(ctx.conn, req.deployment_id)
    elif req.instance_id is not None:
        found = commands.of_instance(ctx.conn, req.instance_id)
    else:
        found = commands.by_ids(ctx.conn, req.command_ids or [])
    return CommandsDescribed(commands=[_view(ctx, each) for each in found])


@operation(permission=Permission.SHOW, target=TOQUE, stack=finding.stack_of("command", "command_id"), raises=_RAISES)
def get_command_log(ctx: Context, req: GetCommandLog) -> CommandLog:
    """Read a piece of a command's log, also while the command runs: ask again from `NextOffset` on.

    Bytes that are not UTF-8 are shown as replacement characters; a character is never cut in two.
    """
    if req.offset < 0 or not 0 < req.limit <= _LONGEST_PIECE:
        raise ValidationException(f"Offset must not be negative, and Limit 1 to {_LONGEST_PIECE} bytes")
    command = commands.by_ids(ctx.conn, [req.command_id])[0]
    size = logs.length(ctx.conn, command.id)
    raw = b""
    for piece in logs.pieces(ctx.conn, command.id, start=req.offset):
        raw += piece
        if len(raw) >= req.limit:
            break
    raw = _whole_characters(raw[: req.limit])
    end = req.offset + len(raw)
    return CommandLog(
        text=raw.decode(errors="replace"),
        next_offset=end,
        size=size,
        complete=command.completed_at is not None and end >= size,
        status=command.status.value,
        reason=command.reason,
    )


def _view(ctx: Context, command: Command) -> CommandView:
    acknowledged, completed = command.acknowledged_at, command.completed_at
    # OpsWorks had no `expired`; clients take what they do not know for something that goes on (ruling 2).
    status = CommandStatus.FAILED if command.status is CommandStatus.EXPIRED else command.status
    url = None
    if acknowledged is not None or (completed is not None and logs.length(ctx.conn, command.id)):
        url = sign_log_url(ctx.services.keys, ctx.settings.public_url, command.id, ctx.now)
    return CommandView(
        command_id=command.id,
        instance_id=command.instance_id,
        deployment_id=command.deployment_id,
        created_at=command.created_at.isoformat(timespec="seconds"),
        acknowledged_at=None if acknowledged is None else acknowledged.isoformat(timespec="seconds"),
        completed_at=None if completed is None else completed.isoformat(timespec="seconds"),
        status=status.value,
        exit_code=command.exit_code,
        log_url=url,
        type=command.type,
    )


def _whole_characters(raw: bytes) -> bytes:
    """Without a character at the end of which only the beginning is there, unless that is all there is."""
    for back in range(1, min(4, len(raw))):
        byte = raw[-back]
        if byte & 0xC0 == 0xC0:
            wanted = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return raw[:-back] if back < wanted else raw
        if byte < 0x80:
            break
    return raw
