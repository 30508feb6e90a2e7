"""Who did what: a table that only grows, each row bound to the one before it by a hash."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select

from toque.protocol.canonical import canonical, digest
from toque_server.store.tables import audit

START = "0" * 64
# Any number that no other advisory lock of ours has.
_CHAIN = 0x70C0E


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the record. `detail` names what the request was about, and holds nothing secret."""

    at: datetime
    user_arn: str
    action: str
    stack_id: str | None = None
    allowed: bool
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Recorded:
    """A line as it stands in the record, under its number."""

    number: int
    entry: Entry


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which lines: each member that is not None has to fit. `since` is included, `until` is not."""

    user_arn: str | None = None
    stack_id: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    denied_only: bool = False


def add(conn: Connection, entry: Entry) -> None:
    """Append to the record, in the transaction of what it tells about.

    On PostgreSQL writers of the record wait for each other until they commit: a chain has one end.
    """
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(_CHAIN)))
    previous = conn.execute(select(audit.c.digest).order_by(audit.c.number.desc()).limit(1)).scalar() or START
    detail = json.dumps(entry.detail, sort_keys=True, ensure_ascii=False)
    values = {
        "at": entry.at,
        "user_arn": entry.user_arn,
        "action": entry.action,
        "stack_id": entry.stack_id,
        "allowed": entry.allowed,
        "detail": detail,
    }
    conn.execute(insert(audit).values(**values, previous=previous, digest=_link(previous, values)))


def listed(conn: Connection, wanted: Wanted, *, before: int | None = None, limit: int) -> list[Recorded]:
    """The newest lines, newest first; with `before` those with smaller numbers."""
    found = select(audit).order_by(audit.c.number.desc()).limit(limit)
    for name in ("user_arn", "stack_id", "action"):
        if (value := getattr(wanted, name)) is not None:
            found = found.where(audit.c[name] == value)
    if wanted.since is not None:
        found = found.where(audit.c.at >= wanted.since)
    if wanted.until is not None:
        found = found.where(audit.c.at < wanted.until)
    if wanted.denied_only:
        found = found.where(audit.c.allowed.is_(False))
    if before is not None:
        found = found.where(audit.c.number < before)
    return [
        Recorded(
            row.number,
            Entry(
                at=row.at,
                user_arn=row.user_arn,
                action=row.action,
                stack_id=row.stack_id,
                allowed=row.allowed,
                detail=json.loads(row.detail),
            ),
        )
        for row in conn.execute(found)
    ]


def broken_links(conn: Connection) -> Iterator[int]:
    """Numbers of rows that do not follow from the row before: somebody changed the record."""
    previous = START
    for row in conn.execute(select(audit).order_by(audit.c.number)):
        values = {name: getattr(row, name) for name in ("at", "user_arn", "action", "stack_id", "allowed", "detail")}
        if row.previous != previous or row.digest != _link(previous, values):
            yield row.number
        previous = row.digest


def _link(previous: str, values: Mapping[str, Any]) -> str:
    return digest(canonical({**values, "at": values["at"].isoformat(), "previous": previous}))
