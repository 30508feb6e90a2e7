"""When each node was last heard: kept in memory by the server processes, written here in batches (D7, R13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, select, text, update

from toque.protocol import custom_facts
from toque.protocol.messages import Facts
from toque_server.store.tables import contacts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a node from its polls. `running` is the id of the command it runs, or empty."""

    instance_id: str
    stack_id: str
    last_at: datetime
    boot_id: str = ""
    agent_version: str = ""
    running: str = ""
    facts: Facts | None = None
    problems: tuple[str, ...] = ()


class Seen(msgspec.Struct, frozen=True):
    """One line of a batch: a poll that was accepted, and its number in lane `h`."""

    key_id: str
    epoch: int
    sequence: int
    instance_id: str
    stack_id: str
    last_at: datetime
    boot_id: str
    agent_version: str
    running: str


def _from_row(row: Row[Any]) -> Contact:
    values = dict(row._mapping)
    values["facts"] = None if row.facts is None else msgspec.json.decode(row.facts, type=Facts)
    values["problems"] = tuple(msgspec.json.decode(row.problems, type=list[str]))
    return Contact(**values)


def get(conn: Connection, instance_id: str) -> Contact | None:
    row = conn.execute(select(contacts).where(contacts.c.instance_id == instance_id)).one_or_none()
    return None if row is None else _from_row(row)


def of_stack(conn: Connection, stack_id: str) -> dict[str, Contact]:
    rows = conn.execute(select(contacts).where(contacts.c.stack_id == stack_id))
    return {row.instance_id: _from_row(row) for row in rows}


def last(conn: Connection, instance_ids: Iterable[str] | None = None) -> dict[str, datetime]:
    """Time of last contact by instance; of all instances, or of those named. Never heard: not in the answer."""
    statement = select(contacts.c.instance_id, contacts.c.last_at)
    if instance_ids is not None:
        statement = statement.where(contacts.c.instance_id.in_(list(instance_ids)))
    return {row.instance_id: row.last_at for row in conn.execute(statement)}


def count(conn: Connection, since: datetime) -> int:
    """How many nodes were heard since then: the N of the contact rhythm."""
    return conn.execute(select(func.count()).where(contacts.c.last_at >= since)).scalar_one()


_TOUCH = text(
    "INSERT INTO contacts (instance_id, stack_id, last_at) VALUES (:instance_id, :stack_id, :last_at)"
    " ON CONFLICT (instance_id) DO UPDATE SET last_at = excluded.last_at, stack_id = excluded.stack_id"
    " WHERE excluded.last_at > contacts.last_at"
)


def touch(conn: Connection, instance_id: str, stack_id: str, at: datetime) -> None:
    """Write one contact at once: for enrolments and hand-outs, whose transaction is paid for anyway."""
    conn.execute(_TOUCH, {"instance_id": instance_id, "stack_id": stack_id, "last_at": _micros(at)})


def set_facts(conn: Connection, instance_id: str, facts: Facts) -> None:
    """Of custom facts, what keeps to the bounds of an agent of ours."""
    facts = msgspec.structs.replace(facts, custom=custom_facts.bounded(facts.custom))
    conn.execute(
        update(contacts).where(contacts.c.instance_id == instance_id).values(facts=msgspec.json.encode(facts).decode())
    )


def set_problems(conn: Connection, instance_id: str, problems: Sequence[str]) -> None:
    """`problems` are the agent's own words, such as `policy_expired`."""
    conn.execute(
        update(contacts)
        .where(contacts.c.instance_id == instance_id)
        .values(problems=msgspec.json.encode(list(problems)).decode())
    )


_NEWER_LANE = "(excluded.epoch, excluded.sequence) > (node_lanes.epoch, node_lanes.sequence)"
_LANES = "INSERT INTO node_lanes (key_id, lane, epoch, sequence) "
_ON_LANE = f" ON CONFLICT (key_id, lane) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence WHERE {_NEWER_LANE}"  # noqa: E501
_CONTACTS = "INSERT INTO contacts (instance_id, stack_id, last_at, boot_id, agent_version, running) "
_ON_CONTACT = (
    " ON CONFLICT (instance_id) DO UPDATE SET last_at = excluded.last_at, stack_id = excluded.stack_id,"
    " boot_id = excluded.boot_id, agent_version = excluded.agent_version, running = excluded.running"
    " WHERE excluded.last_at > contacts.last_at"
)


def flush(conn: Connection, batch: Sequence[Seen]) -> int:
    """Write a batch; returns how many contacts moved. A line whose lane number is not newer moves nothing (S3).

    A key that was revoked meanwhile is left out, so that a deleted instance does not come back as a contact.
    """
    if not batch:
        return 0
    return _flush_postgresql(conn, batch) if conn.dialect.name == "postgresql" else _flush_sqlite(conn, batch)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _flush_sqlite(conn: Connection, batch: Sequence[Seen]) -> int:
    # One process serves an SQLite installation, so its memory has refused replays already; the WHERE is for restarts.
    conn.exec_driver_sql(
        f"{_LANES} SELECT ?, 'h', ?, ?"
        f" WHERE EXISTS (SELECT 1 FROM node_keys WHERE key_id = ? AND state <> 'revoked'){_ON_LANE}",
        [(line.key_id, line.epoch, line.sequence, line.key_id) for line in batch],
    )
    done = conn.exec_driver_sql(
        f"{_CONTACTS} SELECT ?, ?, ?, ?, ?, ? WHERE EXISTS"
        f" (SELECT 1 FROM node_lanes WHERE key_id = ? AND lane = 'h' AND epoch = ? AND sequence = ?){_ON_CONTACT}",
        [
            (
                line.instance_id,
                line.stack_id,
                _micros(line.last_at),
                line.boot_id,
                line.agent_version,
                line.running,
                line.key_id,
                line.epoch,
                line.sequence,
            )
            for line in batch
        ],
    )
    return done.rowcount


def _flush_postgresql(conn: Connection, batch: Sequence[Seen]) -> int:
    # Sorted, so that two processes that flush the same nodes lock rows in one order.
    lines = sorted(batch, key=lambda line: line.key_id)
    taken = set(
        conn.exec_driver_sql(
            f"{_LANES} SELECT u.key_id, 'h', u.epoch, u.sequence"
            " FROM unnest(%s::text[], %s::bigint[], %s::bigint[]) AS u(key_id, epoch, sequence)"
            " JOIN node_keys k ON k.key_id = u.key_id AND k.state <> 'revoked' ORDER BY u.key_id"
            f"{_ON_LANE} RETURNING key_id",
            ([line.key_id for line in lines], [line.epoch for line in lines], [line.sequence for line in lines]),
        ).scalars()
    )
    moved = sorted((line for line in lines if line.key_id in taken), key=lambda line: line.instance_id)
    if not moved:
        return 0
    columns = (
        [line.instance_id for line in moved],
        [line.stack_id for line in moved],
        [_micros(line.last_at) for line in moved],
        [line.boot_id for line in moved],
        [line.agent_version for line in moved],
        [line.running for line in moved],
    )
    done = conn.exec_driver_sql(
        f"{_CONTACTS} SELECT DISTINCT ON (u.i) u.i, u.s, u.t, u.b, u.a, u.r FROM"
        " unnest(%s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[]) AS u(i, s, t, b, a, r)"
        f" ORDER BY u.i, u.t DESC{_ON_CONTACT}",
        columns,
    )
    return done.rowcount
