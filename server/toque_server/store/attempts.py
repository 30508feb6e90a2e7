"""Failed attempts to get in, by account and by address: after a few, each costs a longer wait (S23)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from toque_server.store.tables import attempts
from toque_server.store.upsert import insert_into

FREE = 5
"""Failures in a row that cost nothing but themselves."""

FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)
_FORGET_AFTER = timedelta(hours=24)


def blocked_until(conn: Connection, subjects: Collection[str], now: datetime) -> datetime | None:
    """When the next attempt may be made; None for now. `subjects`: `user:ann`, `address:192.0.2.1`."""
    found: datetime | None = conn.execute(
        select(func.max(attempts.c.until)).where(attempts.c.subject.in_(list(subjects)), attempts.c.until > now)
    ).scalar()
    return found


def failed(conn: Connection, subjects: Collection[str], now: datetime, *, free: int = FREE) -> None:
    """Count one more failure against each of these, and set how long they wait: 2 s, 4 s, … up to 15 minutes."""
    conn.execute(delete(attempts).where(attempts.c.until < now - _FORGET_AFTER))
    for subject in sorted(subjects):
        known = select(attempts.c.failures).where(attempts.c.subject == subject).with_for_update()
        failures = (conn.execute(known).scalar() or 0) + 1
        values = {"failures": failures, "until": now + wait_after(failures, free)}
        statement = insert_into(conn, attempts).values(subject=subject, **values)
        conn.execute(statement.on_conflict_do_update(index_elements=["subject"], set_=values))


def succeeded(conn: Connection, subjects: Collection[str]) -> None:
    """Start counting anew."""
    conn.execute(delete(attempts).where(attempts.c.subject.in_(list(subjects))))


def wait_after(failures: int, free: int = FREE) -> timedelta:
    if failures < free:
        return timedelta(0)
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << min(failures - free, 20)))
