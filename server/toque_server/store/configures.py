"""Stacks whose instances are due a Configure: one row per stack, however many changes led to it (D16)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.store.tables import configures

FIRST_LIMIT: Final = 2.0
"""Seconds from the first change until the Configure goes out even though changes go on (D16)."""


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """An open wait for quiet: since when, until when at most, and what it was for."""

    stack_id: str
    first_at: datetime
    last_at: datetime
    limit_seconds: float
    cause: str


_FIELDS: Final = tuple(configures.c[name] for name in Due.__struct_fields__)


def touch(conn: Connection, stack_id: str, *, at: datetime, cause: str) -> None:
    """Something changed that every instance of the stack must hear of. It goes out when the stack is quiet.

    `cause` is for people: "web-1 is online", "an Elastic IP moved".
    """
    again = sa.update(configures).where(configures.c.stack_id == stack_id).values(last_at=at, cause=cause)
    if conn.execute(again).rowcount:
        return
    first = {"stack_id": stack_id, "first_at": at, "last_at": at, "limit_seconds": FIRST_LIMIT, "cause": cause}
    try:
        with conn.begin_nested():
            conn.execute(sa.insert(configures).values(first))
    except sa.exc.IntegrityError:
        # Another process opened the wait between our two statements.
        conn.execute(again)


def get(conn: Connection, stack_id: str) -> Due | None:
    row = conn.execute(sa.select(*_FIELDS).where(configures.c.stack_id == stack_id)).one_or_none()
    return None if row is None else Due(**row._mapping)


def all_due(conn: Connection) -> list[Due]:
    """Every open wait, the oldest first."""
    return [Due(**row._mapping) for row in conn.execute(sa.select(*_FIELDS).order_by(configures.c.first_at))]


def _as_seen(seen: Due) -> tuple[sa.ColumnElement[bool], ...]:
    return configures.c.stack_id == seen.stack_id, configures.c.first_at == seen.first_at


def settle(conn: Connection, seen: Due) -> bool:
    """Close the wait; False if another change came since `seen`, which then decides anew."""
    return (
        conn.execute(sa.delete(configures).where(*_as_seen(seen), configures.c.last_at == seen.last_at)).rowcount == 1
    )


def reopen(conn: Connection, seen: Due, *, first_at: datetime, limit_seconds: float) -> bool:
    """Start the next wait of a stack that goes on changing, with a longer limit."""
    changed = sa.update(configures).where(*_as_seen(seen), configures.c.last_at == seen.last_at)
    return conn.execute(changed.values(first_at=first_at, limit_seconds=limit_seconds)).rowcount == 1
