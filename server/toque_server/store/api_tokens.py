"""API tokens, by their hashes."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, false, insert, or_, select, update

from toque_server.domain.user import User
from toque_server.store.documents import from_row
from toque_server.store.tables import api_tokens, users


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token as its owner may see it again. `id` is the beginning of its hash, enough to name it."""

    id: str
    user_arn: str
    label: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


_ID_LENGTH = 16


def add(
    conn: Connection, *, digest: str, user_arn: str, label: str, at: datetime, expires_at: datetime | None = None
) -> str:
    """Keep a token's hash; its id."""
    conn.execute(
        insert(api_tokens).values(digest=digest, user_arn=user_arn, label=label, created_at=at, expires_at=expires_at)
    )
    return digest[:_ID_LENGTH]


def find(conn: Connection, digest: str, now: datetime) -> tuple[User, datetime | None] | None:
    """Whose token it is and when it was last used; None if there is none or it has expired."""
    alive = or_(api_tokens.c.expires_at.is_(None), api_tokens.c.expires_at > now)
    wanted = (
        select(users, api_tokens.c.last_used_at)
        .join(users, users.c.arn == api_tokens.c.user_arn)
        .where(api_tokens.c.digest == digest, alive)
    )
    row = conn.execute(wanted).first()
    return None if row is None else (from_row(User, row, users), row.last_used_at)


def used(conn: Connection, digest: str, at: datetime) -> None:
    conn.execute(update(api_tokens).where(api_tokens.c.digest == digest).values(last_used_at=at))


def listed(conn: Connection, user_arn: str) -> list[ApiToken]:
    wanted = select(api_tokens).where(api_tokens.c.user_arn == user_arn).order_by(api_tokens.c.created_at)
    return [
        ApiToken(
            id=row.digest[:_ID_LENGTH],
            user_arn=row.user_arn,
            label=row.label,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
        )
        for row in conn.execute(wanted)
    ]


def change(conn: Connection, user_arn: str, token_id: str, *, label: str, expires_at: datetime | None) -> bool:
    """Write what people say of a token; False if the user has none of this id."""
    values = {"label": label, "expires_at": expires_at}
    return conn.execute(update(api_tokens).where(*_this(user_arn, token_id)).values(values)).rowcount == 1


def remove(conn: Connection, user_arn: str, token_id: str) -> bool:
    """Forget a user's token, by its id."""
    return conn.execute(delete(api_tokens).where(*_this(user_arn, token_id))).rowcount == 1


def _this(user_arn: str, token_id: str) -> tuple[ColumnElement[bool], ...]:
    whole = len(token_id) == _ID_LENGTH
    digest = api_tokens.c.digest.startswith(token_id, autoescape=True) if whole else false()
    return digest, api_tokens.c.user_arn == user_arn
