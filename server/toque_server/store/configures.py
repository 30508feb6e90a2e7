"""Stacks whose instances are due a Configure: one row per stack, however many changes led to it (D16)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.actions import Due
from toque_server.store.tables import configures

_FIELDS: Final = tuple(configures.c[name] for name in Due.__struct_fields__)


def touch(conn: Connection, stack_id: str, *, at: datetime, cause: str) -> None:
    """Something changed that every instance of the stack must hear of. It goes out when the stack is quiet.

    `cause` is for people: "web-1 is online", "an Elastic IP moved".
    """
    again = sa.update(configures).where(configures.c.stack_id == stack_id).values(last_at=at, cause=cause)
    if conn.execute(again).rowcount:
        return
    first = {"stack_id": stack_id, "first_at": at, "last_at": at, "limit_seconds": 0.0, "cause": cause}
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


def swap(conn: Connection, seen: Due, next: Due | None) -> bool:
    """Put `next` in the place of the wait as it was seen, or close it with None.

    False if another change came meanwhile: then the stack is looked at anew.
    """
    as_seen = (
        configures.c.stack_id == seen.stack_id,
        configures.c.first_at == seen.first_at,
        configures.c.last_at == seen.last_at,
    )
    if next is None:
        return conn.execute(sa.delete(configures).where(*as_seen)).rowcount == 1
    changed = sa.update(configures).where(*as_seen)
    return conn.execute(changed.values(first_at=next.first_at, limit_seconds=next.limit_seconds)).rowcount == 1
