"""The installation's event stream: what happened, in order, for people and for pages that follow it live."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.store.tables import events


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the stream. `number` grows; a reader that remembers it can go on where it stopped."""

    number: int
    at: datetime
    stack_id: str | None
    instance_id: str | None
    kind: str
    message: str
    data: dict[str, Any]


_FIELDS: Final = tuple(events.c[name] for name in Event.__struct_fields__)
_ADD: Final = sa.insert(events)


def add(
    conn: Connection,
    kind: str,
    message: str,
    *,
    at: datetime,
    stack_id: str | None = None,
    instance_id: str | None = None,
    data: Mapping[str, Any] | None = None,
) -> None:
    """Write one event. `kind` is dotted, subject first: `instance.status`, `heal.started`, `healing.frozen`."""
    line = {"kind": kind, "message": message, "at": at, "stack_id": stack_id, "instance_id": instance_id}
    conn.execute(_ADD, line | {"data": json.dumps(data or {})})


def after(conn: Connection, number: int, *, stack_ids: Collection[str] | None = None, limit: int = 500) -> list[Event]:
    """Events with a greater number, oldest first. `stack_ids` keeps only those of these stacks; None means all."""
    query = sa.select(*_FIELDS).where(events.c.number > number).order_by(events.c.number).limit(limit)
    if stack_ids is not None:
        query = query.where(events.c.stack_id.in_(stack_ids))
    return [Event(**dict(row._mapping) | {"data": json.loads(row.data)}) for row in conn.execute(query)]


def latest(
    conn: Connection, *, stack_id: str | None = None, instance_id: str | None = None, limit: int = 50
) -> list[Event]:
    """The newest events, newest first, of one stack or instance, or of all."""
    query = sa.select(*_FIELDS).order_by(events.c.number.desc()).limit(limit)
    if stack_id is not None:
        query = query.where(events.c.stack_id == stack_id)
    if instance_id is not None:
        query = query.where(events.c.instance_id == instance_id)
    return [Event(**dict(row._mapping) | {"data": json.loads(row.data)}) for row in conn.execute(query)]


def last_number(conn: Connection) -> int:
    return int(conn.execute(sa.select(sa.func.coalesce(sa.func.max(events.c.number), 0))).scalar_one())


def drop_before(conn: Connection, at: datetime) -> int:
    """Forget what is older than `at`; says how many."""
    return conn.execute(sa.delete(events).where(events.c.at < at)).rowcount
