"""Logs of runs, as they stream in: pieces by offset, each stored once (04 § 7.5, R11)."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from toque_server.store.tables import command_logs, commands

LONGEST = 24 * 1024 * 1024
"""Bytes kept of one log. Agents send at most 20 MiB and a line about the gap."""

_AT_ONCE = 16

KEPT = 30
"""Commands per instance whose logs are kept."""


# Part of every result: made once, for building a statement takes longer than running it.
_LENGTH = select(commands.c.log_size).where(commands.c.id == bindparam("command"))
_OF_INSTANCE = commands.c.instance_id == bindparam("instance")
_NEWEST = (
    select(commands.c.id)
    .where(_OF_INSTANCE)
    .order_by(commands.c.created_at.desc(), commands.c.number.desc())
    .limit(bindparam("keep"))
    .scalar_subquery()
)
_PRUNE = delete(command_logs).where(
    command_logs.c.command_id.in_(select(commands.c.id).where(_OF_INSTANCE, commands.c.id.not_in(_NEWEST)))
)


def append(conn: Connection, command_id: str, offset: int, data: bytes) -> int:
    """Add a piece; returns how many bytes the server holds now, which is where the agent goes on.

    A piece that is there already changes nothing; one that leaves a gap is not taken. Past `LONGEST` the rest is
    dropped, and counted as held, so that an agent that sends too much comes to an end.
    """
    size = length(conn, command_id)
    if offset > size:
        return size
    fresh = data[size - offset :]
    if not fresh:
        return size
    if size + len(fresh) > LONGEST:
        return offset + len(data)
    taken = conn.execute(
        update(commands)
        .where(commands.c.id == command_id, commands.c.log_size == size)
        .values(log_size=size + len(fresh))
    )
    if taken.rowcount == 0:
        return length(conn, command_id)
    conn.execute(insert(command_logs).values(command_id=command_id, offset=size, data=fresh))
    return size + len(fresh)


def length(conn: Connection, command_id: str) -> int:
    """Bytes held of a command's log; 0 for a command that is unknown."""
    return conn.execute(_LENGTH, {"command": command_id}).scalar_one_or_none() or 0


def pieces(conn: Connection, command_id: str, *, start: int = 0) -> Generator[bytes]:
    """The log from byte `start` on, piece by piece."""
    c = command_logs.c
    query = select(c.offset, c.data).where(c.command_id == command_id).order_by(c.offset)
    if start:
        here = select(func.max(c.offset)).where(c.command_id == command_id, c.offset <= start).scalar_subquery()
        query = query.where(c.offset >= here)
    with conn.execute(query.execution_options(yield_per=_AT_ONCE)) as rows:
        for offset, data in rows:
            if offset + len(data) > start:
                yield bytes(data)[max(0, start - offset) :]


def between(conn: Connection, command_id: str, start: int, end: int) -> bytes:
    """Bytes `start` to `end`, the latter left out; fewer where the log ends before, none where it is not kept."""
    found = bytearray()
    with closing(pieces(conn, command_id, start=start)) as rest:
        for piece in rest:
            found += piece
            if len(found) >= end - start:
                break
    return bytes(found[: end - start])


def is_kept(conn: Connection, command_id: str) -> bool:
    """False when the log was deleted, because its instance has had `KEPT` newer commands; True of an empty one."""
    if length(conn, command_id) == 0:
        return True
    return (
        conn.execute(select(command_logs.c.offset).where(command_logs.c.command_id == command_id)).first() is not None
    )


def say(conn: Connection, command_id: str, line: str) -> None:
    """Append a line of the server's own to a log: why a command failed before any agent saw it."""
    append(conn, command_id, length(conn, command_id), f"{line}\n".encode())


def prune(conn: Connection, instance_id: str, *, keep: int = KEPT) -> int:
    """Delete the logs of all but the newest `keep` commands of an instance; returns how many pieces went."""
    return conn.execute(_PRUNE, {"instance": instance_id, "keep": keep}).rowcount
