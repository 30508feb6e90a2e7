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
    """`offset` is in bytes; `limit` bounds the answer, at most 1 MiB.

    `tail` instead: the last so many bytes, from the first line on that begins there.
    """

    command_id: str
    offset: int | None = None
    limit: int = 256 * 1024
    tail: int | None = None


class CommandLog(Result, frozen=True, kw_only=True):
    """A piece of a log. It begins at byte `offset`, the next one at `next_offset`; `size`: bytes there are so far.

    `complete`: the run has ended, and this was all. `kept`: false when the log is not there any more, for those of an
    instance's newest 30 commands are kept; then `text` is empty and `size` is what it had.
    """

    text: str
    offset: int
    next_offset: int
    size: int
    complete: bool
    kept: bool
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
    _check_range(req)
    command = commands.by_ids(ctx.conn, [req.command_id])[0]
    size = logs.length(ctx.conn, command.id)
    begin = req.offset or 0
    if req.tail is not None:
        begin = max(0, size - req.tail)
        raw = logs.between(ctx.conn, command.id, begin, size)
        torn = _torn(raw) if begin else 0
        begin, raw = begin + torn, raw[torn:]
    else:
        raw = logs.between(ctx.conn, command.id, begin, begin + req.limit)
    raw = _whole_characters(raw)
    kept = bool(raw) or logs.is_kept(ctx.conn, command.id)
    end = begin + len(raw) if kept else size
    return CommandLog(
        text=raw.decode(errors="replace"),
        offset=begin,
        next_offset=end,
        size=size,
        complete=command.completed_at is not None and end >= size,
        kept=kept,
        status=command.status.value,
        reason=command.reason,
    )


def _check_range(req: GetCommandLog) -> None:
    if req.tail is not None and req.offset is not None:
        raise ValidationException("Please provide either Offset or Tail, and only one of them", field="Tail")
    if req.offset is not None and not 0 <= req.offset <= logs.LONGEST:
        raise ValidationException(f"Offset must be 0 to {logs.LONGEST} bytes, not {req.offset}", field="Offset")
    for member, value in (("Limit", req.limit), ("Tail", req.tail)):
        if value is not None and not 0 < value <= _LONGEST_PIECE:
            raise ValidationException(f"{member} must be 1 to {_LONGEST_PIECE} bytes, not {value}", field=member)


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


def _torn(raw: bytes) -> int:
    """How many bytes at the beginning are the rest of a line, or at least of a character."""
    if (line := raw.find(b"\n") + 1) and line < len(raw):
        return line
    return next((n for n, byte in enumerate(raw[:4]) if byte & 0xC0 != 0x80), 0)


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
