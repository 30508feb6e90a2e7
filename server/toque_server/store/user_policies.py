"""Policies of users: documents of their own, and predefined ones attached by name.

The full-access policy is not among them: whoever has it is an administrator, and that stands with the user.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, select

from toque_server.store.tables import user_policies
from toque_server.store.upsert import insert_into


class UserPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One policy of one user. `document` is empty where it is `predefined`."""

    user_arn: str
    name: str
    predefined: bool = False
    document: str = ""
    updated_at: datetime
    updated_by: str


def of_user(conn: Connection, arn: str) -> list[UserPolicy]:
    """In the order of their names."""
    wanted = select(user_policies).where(user_policies.c.user_arn == arn).order_by(user_policies.c.name)
    return [UserPolicy(**row._mapping) for row in conn.execute(wanted)]


def put(conn: Connection, policy: UserPolicy) -> None:
    """Add it, or replace the one of that name."""
    values = msgspec.structs.asdict(policy)
    statement = insert_into(conn, user_policies).values(**values)
    key = [user_policies.c.user_arn, user_policies.c.name]
    changed = {name: statement.excluded[name] for name in ("predefined", "document", "updated_at", "updated_by")}
    conn.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))


def remove(conn: Connection, arn: str, name: str) -> bool:
    """False when the user has no such policy."""
    gone = delete(user_policies).where(user_policies.c.user_arn == arn, user_policies.c.name == name)
    return conn.execute(gone).rowcount == 1
