"""Commands in the database: the queue of each instance, and every change of one as a compare-and-set (R3, E-20)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Row

from toque.protocol.messages import Causes, ResourceCounts
from toque_server.domain.command import Command, CommandStatus
from toque_server.store.tables import command_logs, commands, instances

OVERTAKING: Final = ("deregister", "shutdown")
"""Types that go before everything else in an instance's queue (E-20)."""

_FIELDS: Final = tuple(commands.c[name] for name in Command.__struct_fields__)
_FIFO: Final = (commands.c.created_at, commands.c.number)

# Orders commands that share `created_at`. Such commands are made by one process, so its own count is enough.
_numbers = itertools.count(1)


def _new(*columns: str) -> dict[str, sa.BindParameter[Any]]:
    return {name: sa.bindparam(f"new_{name}") for name in columns}


# What every hand-out and every result executes is made once: building a statement takes longer than running it.
_NOT_ENDED: Final = commands.c.completed_at.is_(None)
_THIS: Final = commands.c.id == sa.bindparam("this")
_GET: Final = sa.select(*_FIELDS).where(_THIS)
_QUEUE: Final = (
    sa.select(*_FIELDS).where(commands.c.instance_id == sa.bindparam("instance"), _NOT_ENDED).order_by(*_FIFO)
)
_NUMBER: Final = (
    sa.update(instances)
    .where(instances.c.id == sa.bindparam("instance"))
    .values(dispatch=instances.c.dispatch + 1)
    .returning(instances.c.dispatch)
)
_DISPATCH: Final = (
    sa.update(commands)
    .where(_THIS, _NOT_ENDED, commands.c.dispatched_at.is_(None))
    .values(_new("dispatched_at", "dispatch", "manifest_version", "envelope"))
)
_ACKNOWLEDGE: Final = (
    sa.update(commands)
    .where(_THIS, _NOT_ENDED, commands.c.acknowledged_at.is_(None))
    .values(acknowledged_at=sa.bindparam("new_acknowledged_at"))
)
_ACKNOWLEDGE_OWN: Final = _ACKNOWLEDGE.where(
    commands.c.instance_id == sa.bindparam("instance"), commands.c.dispatch == sa.bindparam("its_number")
)
_FINISH: Final = (
    sa.update(commands).where(_THIS, _NOT_ENDED).values(_new("status", "exit_code", "completed_at", "reason"))
)
_RESULT: Final = sa.update(commands).where(_THIS, commands.c.result.is_(None)).values(result=sa.bindparam("new_result"))


def _command(row: Row[Any] | tuple[Any, ...]) -> Command:
    values = dict(zip(Command.__struct_fields__, row, strict=True))
    values["args"], values["status"] = json.loads(values["args"]), CommandStatus(values["status"])
    return Command(**values)


def _values(command: Command) -> dict[str, Any]:
    return {name: getattr(command, name) for name in Command.__struct_fields__} | {
        "args": json.dumps(command.args),
        "status": command.status.value,
        "number": next(_numbers),
    }


def add(conn: Connection, *made: Command) -> None:
    """Write new commands, in one statement however many they are."""
    if made:
        conn.execute(sa.insert(commands), [_values(each) for each in made])


def get(conn: Connection, id: str) -> Command | None:
    row = conn.execute(_GET, {"this": id}).one_or_none()
    return None if row is None else _command(row)


def _newest_first(conn: Connection, *conditions: sa.ColumnElement[bool], limit: int | None = None) -> list[Command]:
    query = sa.select(*_FIELDS).where(*conditions).order_by(commands.c.created_at.desc(), commands.c.number.desc())
    return [_command(row) for row in conn.execute(query.limit(limit))]


def by_ids(conn: Connection, ids: Collection[str]) -> list[Command]:
    """Newest first; an id that does not exist is left out."""
    return _newest_first(conn, commands.c.id.in_(ids))


def of_instance(conn: Connection, instance_id: str, *, limit: int | None = None) -> list[Command]:
    return _newest_first(conn, commands.c.instance_id == instance_id, limit=limit)


def of_deployment(conn: Connection, deployment_id: str) -> list[Command]:
    return _newest_first(conn, commands.c.deployment_id == deployment_id)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which commands: each member that is not None has to fit. `open_of_stack`: a stack's that have not ended."""

    open_of_stack: str | None = None
    deployment_id: str | None = None
    instance_id: str | None = None
    ids: Collection[str] | None = None


Place = tuple[datetime, int, str]
"""Where a command stands among others: by time, by number, by id."""


def listed(conn: Connection, wanted: Wanted, *, limit: int, behind: Place | None = None) -> list[tuple[Command, Place]]:
    """The newest first, each with its place; `behind` a place: those that are older."""
    c = commands.c
    query = sa.select(*_FIELDS, c.number).order_by(c.created_at.desc(), c.number.desc(), c.id).limit(limit)
    if wanted.open_of_stack is not None:
        query = query.where(c.stack_id == wanted.open_of_stack, _NOT_ENDED)
    if wanted.deployment_id is not None:
        query = query.where(c.deployment_id == wanted.deployment_id)
    if wanted.instance_id is not None:
        query = query.where(c.instance_id == wanted.instance_id)
    if wanted.ids is not None:
        query = query.where(c.id.in_(wanted.ids))
    if behind is not None:
        at, number, id = behind
        same = sa.and_(c.created_at == at, sa.or_(c.number < number, sa.and_(c.number == number, c.id > id)))
        query = query.where(sa.or_(c.created_at < at, same))
    found = [(_command(row[:-1]), row.number) for row in conn.execute(query)]
    return [(command, (command.created_at, number, command.id)) for command, number in found]


def of_cause(conn: Connection, cause_id: str) -> list[Command]:
    return _newest_first(conn, commands.c.cause_id == cause_id)


def open_of(conn: Connection, instance_ids: Iterable[str]) -> dict[str, list[Command]]:
    """The commands of these instances that have not ended, in queue order; an instance without any is not in it."""
    found: dict[str, list[Command]] = {}
    for some in _batches(instance_ids):
        query = (
            sa.select(*_FIELDS)
            .where(commands.c.instance_id.in_(some), commands.c.completed_at.is_(None))
            .order_by(*_FIFO)
        )
        for row in conn.execute(query):
            found.setdefault(row.instance_id, []).append(_command(row))
    return found


def of_queue(conn: Connection, instance_id: str) -> list[Command]:
    """The same of one instance."""
    return open_of(conn, [instance_id]).get(instance_id, [])


def _batches(ids: Iterable[str], size: int = 500) -> Iterable[Sequence[str]]:
    rest = iter(ids)
    while some := tuple(itertools.islice(rest, size)):
        yield some


def next_for(conn: Connection, instance_id: str) -> Command | None:
    """What this instance is to be handed now, or None.

    One at a time, first in, first out. Nothing while a command runs. A command that was handed out and is not
    acknowledged yet comes again (R4). Shutdown and Deregister go first, then a `sync_remote_users` that takes a right
    away (E-20).
    """
    queue = [_command(row) for row in conn.execute(_QUEUE, {"instance": instance_id})]
    if not queue or any(each.acknowledged_at is not None for each in queue):
        return None
    return next((each for each in queue if each.dispatched_at is not None), None) or min(queue, key=_rank)


def _rank(command: Command) -> int:
    if command.type in OVERTAKING:
        return 0
    return 1 if command.type == "sync_remote_users" and command.args.get("revokes") else 2


def next_number(conn: Connection, instance_id: str) -> int:
    """Take the next dispatch number of an instance; they only grow (S6)."""
    return int(conn.execute(_NUMBER, {"instance": instance_id}).scalar_one())


def raise_number(conn: Connection, instance_id: str, at_least: int) -> None:
    """An agent reports that it started `at_least`: go on above it, for instance after a restored backup (R24)."""
    conn.execute(
        sa.update(instances)
        .where(instances.c.id == instance_id, instances.c.dispatch < at_least)
        .values(dispatch=at_least)
    )


def _swap(conn: Connection, id: str, *conditions: sa.ColumnElement[bool], **values: Any) -> bool:
    done = conn.execute(
        sa.update(commands).where(commands.c.id == id, commands.c.completed_at.is_(None), *conditions).values(**values)
    )
    return done.rowcount == 1


def set_dispatched(
    conn: Connection, seen: Command, *, number: int, manifest_version: int, envelope: bytes, at: datetime
) -> bool:
    """Keep the signed envelope of the first hand-out; every later one is the same bytes (R4)."""
    new = {"new_dispatched_at": at, "new_dispatch": number}
    new |= {"new_manifest_version": manifest_version, "new_envelope": envelope}
    return conn.execute(_DISPATCH, {"this": seen.id} | new).rowcount == 1


def envelope(conn: Connection, id: str) -> bytes | None:
    """The envelope as handed out, or None before the first hand-out."""
    found: bytes | None = conn.execute(sa.select(commands.c.envelope).where(commands.c.id == id)).scalar_one_or_none()
    return found


def acknowledge(conn: Connection, seen: Command, at: datetime) -> bool:
    """The agent has it in its journal. False if it had said so before, or the command has ended."""
    return conn.execute(_ACKNOWLEDGE, {"this": seen.id, "new_acknowledged_at": at}).rowcount == 1


def acknowledge_own(conn: Connection, id: str, instance_id: str, *, number: int, at: datetime) -> bool:
    """The same for a command that is only known by name: True if it is this instance's, handed out as `number`."""
    own = {"this": id, "instance": instance_id, "its_number": number, "new_acknowledged_at": at}
    return conn.execute(_ACKNOWLEDGE_OWN, own).rowcount == 1


def abort(conn: Connection, seen: Command) -> bool:
    """Ask the agent to end the run; its next poll says so."""
    return _swap(conn, seen.id, commands.c.aborted.is_(False), aborted=True)


def finish(
    conn: Connection, seen: Command, status: CommandStatus, exit_code: int | None, at: datetime, reason: str = ""
) -> bool:
    """End a command. False if it has ended already: the first verdict stands (R8)."""
    new = {"new_status": status.value, "new_exit_code": exit_code, "new_completed_at": at, "new_reason": reason}
    return conn.execute(_FINISH, {"this": seen.id} | new).rowcount == 1


def finish_unacknowledged(conn: Connection, seen: Command, status: CommandStatus, at: datetime, reason: str) -> bool:
    """End a command that no agent has acknowledged; False if one has by now, or it has ended."""
    return _swap(
        conn, seen.id, commands.c.acknowledged_at.is_(None), status=status.value, completed_at=at, reason=reason
    )


def result(conn: Connection, id: str) -> str | None:
    """The agent's own result (JSON), also one that came after the verdict."""
    found: str | None = conn.execute(sa.select(commands.c.result).where(commands.c.id == id)).scalar_one_or_none()
    return found


class Told(msgspec.Struct, frozen=True):
    """What an agent counted in a run."""

    resources: ResourceCounts = ResourceCounts()
    causes: Causes = Causes()


def told(conn: Connection, ids: Collection[str]) -> dict[str, Told]:
    """By command; one without a result is not in it."""
    query = sa.select(commands.c.id, commands.c.result).where(commands.c.id.in_(ids), commands.c.result.is_not(None))
    return {row.id: msgspec.json.decode(row.result, type=Told) for row in conn.execute(query)}


def told_since(
    conn: Connection, stack_id: str, since: datetime, *, instance_id: str | None = None, limit: int
) -> list[tuple[str, datetime, Told]]:
    """(instance, end, what it counted) of the runs that ended since then, the newest first."""
    c = commands.c
    query = (
        sa.select(c.instance_id, c.completed_at, c.result)
        .where(c.stack_id == stack_id, c.completed_at >= since, c.result.is_not(None))
        .order_by(c.completed_at.desc())
        .limit(limit)
    )
    found = conn.execute(query if instance_id is None else query.where(c.instance_id == instance_id))
    return [(row.instance_id, row.completed_at, msgspec.json.decode(row.result, type=Told)) for row in found]


def set_result(conn: Connection, id: str, result: str) -> bool:
    """Keep the agent's result. False if there is one: the first stands."""
    return conn.execute(_RESULT, {"this": id, "new_result": result}).rowcount == 1


def supersede_configures(conn: Connection, instance_ids: Collection[str], at: datetime) -> int:
    """End the unacknowledged Configure commands of these instances; a newer one takes their place (E-3).

    One that belongs to a deployment was asked for by a person and stays.
    """
    ended = 0
    for some in _batches(instance_ids):
        ended += conn.execute(
            sa.update(commands)
            .where(
                commands.c.instance_id.in_(some),
                commands.c.completed_at.is_(None),
                commands.c.acknowledged_at.is_(None),
                commands.c.type == "configure",
                commands.c.deployment_id.is_(None),
            )
            .values(status=CommandStatus.SKIPPED.value, completed_at=at, reason="superseded")
        ).rowcount
    return ended


def past_expiry(conn: Connection, now: datetime, *, limit: int = 1000) -> list[Command]:
    """Unacknowledged commands whose time is over."""
    query = (
        sa.select(*_FIELDS)
        .where(
            commands.c.completed_at.is_(None),
            commands.c.acknowledged_at.is_(None),
            commands.c.expires_at <= now,
        )
        .order_by(*_FIFO)
        .limit(limit)
    )
    return [_command(row) for row in conn.execute(query)]


def running(conn: Connection) -> list[Command]:
    """Every command that an agent has acknowledged and not ended."""
    query = sa.select(*_FIELDS).where(commands.c.completed_at.is_(None), commands.c.acknowledged_at.is_not(None))
    return [_command(row) for row in conn.execute(query.order_by(*_FIFO))]


def with_open_setup(conn: Connection) -> list[str]:
    """The ids of instances that have a Setup before them, or in progress."""
    query = sa.select(commands.c.instance_id).where(commands.c.completed_at.is_(None), commands.c.type == "setup")
    return list(conn.execute(query.distinct()).scalars())


_ANY_OPEN: Final = (
    sa.select(sa.literal(1)).where(commands.c.deployment_id == sa.bindparam("deployment"), _NOT_ENDED).limit(1)
)


def is_under_way(conn: Connection, deployment_id: str) -> bool:
    """Whether one of the deployment's commands has not ended."""
    return conn.execute(_ANY_OPEN, {"deployment": deployment_id}).first() is not None


def statuses_of_deployment(conn: Connection, deployment_id: str) -> list[CommandStatus]:
    rows = conn.execute(sa.select(commands.c.status).where(commands.c.deployment_id == deployment_id))
    return [CommandStatus(row.status) for row in rows]


def with_logs(conn: Connection) -> list[str]:
    """The ids of instances whose commands have logs here."""
    query = sa.select(commands.c.instance_id).join(command_logs, command_logs.c.command_id == commands.c.id).distinct()
    return list(conn.execute(query).scalars())
