"""Users: who there is, their profiles, and the hashes of their passwords."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from toque_server.domain.user import UID_HELD_FOR, User
from toque_server.store import installation
from toque_server.store.documents import from_row, to_row
from toque_server.store.tables import users

# Any number that no other advisory lock of ours has.
_GIVING_UIDS = 0x70C0F
_FREED = "uid.freed."

_COLUMNS = [column for column in users.c if column.name != "password"]


def add(conn: Connection, user: User, *, password: str | None = None) -> None:
    """`password` is its hash; a user without one has no way into the console. Raises IntegrityError if it is there."""
    conn.execute(insert(users).values(**to_row(user, users), password=password))


def get(conn: Connection, arn: str) -> User | None:
    row = conn.execute(select(*_COLUMNS).where(users.c.arn == arn)).first()
    return None if row is None else from_row(User, row, users)


def by_name(conn: Connection, name: str) -> User | None:
    row = conn.execute(select(*_COLUMNS).where(users.c.name == name)).first()
    return None if row is None else from_row(User, row, users)


def listed(conn: Connection, arns: Collection[str] | None = None) -> list[User]:
    """The named users that exist, or all, in the order of their names."""
    wanted = select(*_COLUMNS).order_by(users.c.name)
    if arns is not None:
        wanted = wanted.where(users.c.arn.in_(list(arns)))
    return [from_row(User, row, users) for row in conn.execute(wanted)]


def save(conn: Connection, user: User) -> bool:
    """Replace what is stored of a user, the password apart. False when there is no such user."""
    values = to_row(user, users)
    return conn.execute(update(users).where(users.c.arn == user.arn).values(**values)).rowcount == 1


def remove(conn: Connection, arn: str) -> bool:
    """Delete a user with all keys, tokens, sessions and levels."""
    return conn.execute(delete(users).where(users.c.arn == arn)).rowcount == 1


def password_of(conn: Connection, name: str) -> str | None:
    """The hash; None for a user without password, and for no user."""
    found: str | None = conn.execute(select(users.c.password).where(users.c.name == name)).scalar()
    return found


def with_password(conn: Connection) -> set[str]:
    """The ARNs of the users who have a way into the console."""
    return set(conn.execute(select(users.c.arn).where(users.c.password.is_not(None))).scalars())


def set_password(conn: Connection, arn: str, password: str | None) -> bool:
    """Store the hash of a new password, or take the way into the console away."""
    return conn.execute(update(users).where(users.c.arn == arn).values(password=password)).rowcount == 1


def hold_uid(conn: Connection, uid: int, freed_at: datetime) -> None:
    """Remember that this user id was in use until now."""
    installation.put(conn, f"{_FREED}{uid}", freed_at.isoformat())


def held_uids(conn: Connection, now: datetime) -> set[int | None]:
    """User ids that were in use a while ago, and must not be given again yet."""
    freed = installation.beginning_with(conn, _FREED)
    return {int(uid) for uid, at in freed.items() if now - datetime.fromisoformat(at) < UID_HELD_FOR}


def lock_uids(conn: Connection) -> None:
    """Until this transaction ends nobody else gives out user ids. SQLite has one writer anyway."""
    if conn.dialect.name == "postgresql":
        conn.execute(select(func.pg_advisory_xact_lock(_GIVING_UIDS)))
