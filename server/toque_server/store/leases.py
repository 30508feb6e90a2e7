"""Who leads: a row that is held for a while, with an epoch that grows with every new holder (R19).

The loops act only under the lease, and look at its row again in every transaction, so a leader that was stopped for
too long and goes on writes nothing. Times are the database's.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.store.tables import leases
from toque_server.store.upsert import insert_into

_NOBODY = ""


def acquire(conn: Connection, name: str, holder: str, *, now: datetime, length: timedelta) -> int | None:
    """Take the lease, or hold it longer; the epoch under which it is held, or None while somebody else has it."""
    conn.execute(
        insert_into(conn, leases).values(name=name, holder=_NOBODY, epoch=0, until=now).on_conflict_do_nothing()
    )
    mine = sa.and_(leases.c.holder == holder, leases.c.until > now)
    taken = (
        sa.update(leases)
        .where(leases.c.name == name, sa.or_(mine, leases.c.until <= now))
        .values(
            holder=holder,
            until=now + length,
            epoch=sa.case((mine, leases.c.epoch), else_=leases.c.epoch + 1),
        )
        .returning(leases.c.epoch)
    )
    epoch: int | None = conn.execute(taken).scalar_one_or_none()
    return epoch


def holds(conn: Connection, name: str, epoch: int, *, now: datetime) -> bool:
    """Whether this epoch still leads; the row stays locked against a successor until the transaction ends."""
    query = sa.select(leases.c.until).where(leases.c.name == name, leases.c.epoch == epoch)
    until = conn.execute(query.with_for_update(read=True)).scalar_one_or_none()
    return until is not None and until > now


def release(conn: Connection, name: str, epoch: int, *, now: datetime) -> None:
    """Let a successor begin at once."""
    conn.execute(sa.update(leases).where(leases.c.name == name, leases.c.epoch == epoch).values(until=now))
