"""The installation's event stream: what happened, in order, for people and for pages that follow it live."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events: each member that is not None has to fit. `since` is included, `until` is not.

    A kind is a whole one or the beginning of several: `instance.status`, `heal` for `heal.started`, `heal.ended`, ….
    """

    stack_ids: Sequence[str] | None = None
    instance_id: str | None = None
    kinds: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING: Final = Wanted()

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


def listed(conn: Connection, wanted: Wanted = EVERYTHING, *, before: int | None = None, limit: int = 50) -> list[Event]:
    """The newest events, newest first; with `before` those with smaller numbers."""
    query = _wanted(wanted).order_by(events.c.number.desc()).limit(limit)
    return _read(conn, query if before is None else query.where(events.c.number < before))


def after(conn: Connection, number: int, wanted: Wanted = EVERYTHING, *, limit: int = 500) -> list[Event]:
    """Events with a greater number, oldest first."""
    return _read(conn, _wanted(wanted).where(events.c.number > number).order_by(events.c.number).limit(limit))


def _wanted(wanted: Wanted) -> sa.Select[Any]:
    query = sa.select(*_FIELDS)
    if wanted.stack_ids is not None:
        query = query.where(events.c.stack_id.in_(wanted.stack_ids))
    if wanted.instance_id is not None:
        query = query.where(events.c.instance_id == wanted.instance_id)
    if wanted.kinds is not None:
        alike = [events.c.kind.startswith(f"{kind}.", autoescape=True) for kind in wanted.kinds]
        query = query.where(sa.or_(events.c.kind.in_(wanted.kinds), *alike))
    if wanted.since is not None:
        query = query.where(events.c.at >= wanted.since)
    return query if wanted.until is None else query.where(events.c.at < wanted.until)


def _read(conn: Connection, query: sa.Select[Any]) -> list[Event]:
    return [Event(**dict(row._mapping) | {"data": json.loads(row.data)}) for row in conn.execute(query)]


def last_number(conn: Connection) -> int:
    return int(conn.execute(sa.select(sa.func.coalesce(sa.func.max(events.c.number), 0))).scalar_one())


def drop_before(conn: Connection, at: datetime) -> int:
    """Forget what is older than `at`; says how many."""
    return conn.execute(sa.delete(events).where(events.c.at < at)).rowcount
