"""Console sessions, by the hashes of their ids (S16)."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, delete, false, insert, or_, select, update

from toque_server.domain.user import User
from toque_server.store.documents import from_row
from toque_server.store.tables import sessions, users


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in, and the token that each unsafe request of his pages must bear."""

    user: User
    csrf: str
    created_at: datetime
    seen_at: datetime


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A session as its owner may see it: `id` is the beginning of a hash, enough to name it and not to use it."""

    id: str
    created_at: datetime
    seen_at: datetime


_ID_LENGTH = 16


def add(conn: Connection, *, digest: str, user_arn: str, csrf: str, at: datetime) -> None:
    conn.execute(insert(sessions).values(digest=digest, user_arn=user_arn, created_at=at, seen_at=at, csrf=csrf))


def find(conn: Connection, digest: str, now: datetime, *, idle: timedelta, absolute: timedelta) -> Session | None:
    """The session, unless it is past one of its limits."""
    wanted = (
        select(users, sessions.c.csrf, sessions.c.seen_at, sessions.c.created_at.label("since"))
        .join(users, users.c.arn == sessions.c.user_arn)
        .where(sessions.c.digest == digest, sessions.c.seen_at > now - idle, sessions.c.created_at > now - absolute)
    )
    if (row := conn.execute(wanted).first()) is None:
        return None
    return Session(user=from_row(User, row, users), csrf=row.csrf, created_at=row.since, seen_at=row.seen_at)


def seen(conn: Connection, digest: str, at: datetime) -> None:
    conn.execute(update(sessions).where(sessions.c.digest == digest).values(seen_at=at))


def remove(conn: Connection, digest: str) -> None:
    conn.execute(delete(sessions).where(sessions.c.digest == digest))


def of_user(conn: Connection, user_arn: str, now: datetime, *, idle: timedelta, absolute: timedelta) -> list[Known]:
    """The sessions of a user that are within their limits."""
    s = sessions.c
    wanted = select(s.digest, s.created_at, s.seen_at).where(
        s.user_arn == user_arn, s.seen_at > now - idle, s.created_at > now - absolute
    )
    rows = conn.execute(wanted)
    return [Known(id=row.digest[:_ID_LENGTH], created_at=row.created_at, seen_at=row.seen_at) for row in rows]


def remove_of(conn: Connection, user_arn: str, *, session_id: str | None = None) -> int:
    """Sign a user out everywhere, as at a change of password or of rights, or in one session; how many there were."""
    gone = delete(sessions).where(sessions.c.user_arn == user_arn)
    if session_id is not None:
        whole = len(session_id) == _ID_LENGTH
        gone = gone.where(sessions.c.digest.startswith(session_id, autoescape=True) if whole else false())
    return conn.execute(gone).rowcount


def sweep(conn: Connection, now: datetime, *, idle: timedelta, absolute: timedelta) -> int:
    """Forget the sessions past their limits; how many."""
    over = or_(sessions.c.seen_at <= now - idle, sessions.c.created_at <= now - absolute)
    return conn.execute(delete(sessions).where(over)).rowcount
