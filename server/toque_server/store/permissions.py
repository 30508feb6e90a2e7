"""Who has which level on which stack."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import structs
from sqlalchemy import Connection, delete, select

from toque_server.domain.permission import Level, StackRef
from toque_server.domain.user import PermissionRecord
from toque_server.store.tables import permissions, stacks
from toque_server.store.upsert import insert_into


def stack_refs(conn: Connection, ids: Collection[str] | None) -> dict[str, StackRef]:
    """The named stacks that exist, by id; all of them for None."""
    wanted = select(stacks.c.id, stacks.c.region).order_by(stacks.c.created_at, stacks.c.id)
    if ids is not None:
        wanted = wanted.where(stacks.c.id.in_(list(ids)))
    return {row.id: StackRef(row.id, row.region) for row in conn.execute(wanted)} if ids is None or ids else {}


def levels_of(conn: Connection, arn: str, ids: Collection[str] | None) -> dict[str, Level]:
    """The user's levels by stack id, on the named stacks or on all; a stack that is missing means `iam_only`."""
    wanted = select(permissions.c.stack_id, permissions.c.level).where(permissions.c.user_arn == arn)
    if ids is not None:
        wanted = wanted.where(permissions.c.stack_id.in_(list(ids)))
    return {row.stack_id: Level(row.level) for row in conn.execute(wanted)}


def get(conn: Connection, stack_id: str, arn: str) -> PermissionRecord | None:
    """What was set for this user on this stack; None when nothing was."""
    here = (permissions.c.stack_id == stack_id, permissions.c.user_arn == arn)
    row = conn.execute(select(permissions).where(*here)).first()
    return None if row is None else PermissionRecord(**row._mapping)


def of_stack(conn: Connection, stack_id: str) -> dict[str, PermissionRecord]:
    """What was set on a stack, by user; a user that is missing has `iam_only`."""
    rows = conn.execute(select(permissions).where(permissions.c.stack_id == stack_id))
    return {row.user_arn: PermissionRecord(**row._mapping) for row in rows}


def of_user(conn: Connection, arn: str) -> dict[str, PermissionRecord]:
    """What was set for a user, by stack; a stack that is missing means `iam_only`."""
    rows = conn.execute(select(permissions).where(permissions.c.user_arn == arn))
    return {row.stack_id: PermissionRecord(**row._mapping) for row in rows}


def put(conn: Connection, record: PermissionRecord) -> None:
    statement = insert_into(conn, permissions).values(**structs.asdict(record))
    key = [permissions.c.stack_id, permissions.c.user_arn]
    changed = {name: statement.excluded[name] for name in ("level", "allow_ssh", "allow_sudo")}
    conn.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))


def remove(conn: Connection, stack_id: str, arn: str) -> None:
    conn.execute(delete(permissions).where(permissions.c.stack_id == stack_id, permissions.c.user_arn == arn))
