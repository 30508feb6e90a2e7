"""Who has which level on which stack."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from toque_server.domain.permission import Level, StackRef
from toque_server.store.tables import permissions, stacks


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
