"""Access keys: their secrets are sealed, not hashed, because SigV4 needs them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from toque_server.domain.user import User
from toque_server.security.envelope import Vault
from toque_server.store.documents import from_row
from toque_server.store.tables import access_keys, users

SCOPE: Final = "installation"


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as its owner may see it again: without the secret."""

    access_key_id: str
    user_arn: str
    active: bool
    created_at: datetime
    last_used_at: datetime | None = None


def add(conn: Connection, vault: Vault, *, access_key_id: str, secret: str, user_arn: str, at: datetime) -> None:
    sealed = vault.seal(secret.encode(), table="access_keys", row=access_key_id, column="sealed", scope=SCOPE)
    conn.execute(
        insert(access_keys).values(
            access_key_id=access_key_id, user_arn=user_arn, sealed=sealed, active=True, created_at=at
        )
    )


def find(conn: Connection, vault: Vault, access_key_id: str) -> tuple[User, str, datetime | None] | None:
    """Whose key it is, its secret, and when it was last used; None if there is none or it is switched off."""
    wanted = (
        select(users, access_keys.c.sealed, access_keys.c.last_used_at)
        .join(users, users.c.arn == access_keys.c.user_arn)
        .where(access_keys.c.access_key_id == access_key_id, access_keys.c.active)
    )
    if (row := conn.execute(wanted).first()) is None:
        return None
    secret = vault.open(bytes(row.sealed), table="access_keys", row=access_key_id, column="sealed", scope=SCOPE)
    return from_row(User, row, users), secret.decode(), row.last_used_at


def used(conn: Connection, access_key_id: str, at: datetime) -> None:
    conn.execute(update(access_keys).where(access_keys.c.access_key_id == access_key_id).values(last_used_at=at))


def listed(conn: Connection, user_arn: str) -> list[AccessKey]:
    columns = [access_keys.c[name] for name in AccessKey.__struct_fields__]
    wanted = select(*columns).where(access_keys.c.user_arn == user_arn).order_by(access_keys.c.created_at)
    return [AccessKey(**row._mapping) for row in conn.execute(wanted)]


def switch(conn: Connection, user_arn: str, access_key_id: str, *, active: bool) -> bool:
    here = (access_keys.c.access_key_id == access_key_id) & (access_keys.c.user_arn == user_arn)
    return conn.execute(update(access_keys).where(here).values(active=active)).rowcount == 1


def remove(conn: Connection, user_arn: str, access_key_id: str) -> bool:
    here = (access_keys.c.access_key_id == access_key_id) & (access_keys.c.user_arn == user_arn)
    return conn.execute(delete(access_keys).where(here)).rowcount == 1
