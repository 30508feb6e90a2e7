"""Attributes at the levels that OpsWorks did not have: layer, app and instance (D14). Sealed like custom JSON."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.security.envelope import Vault
from toque_server.store import stacks
from toque_server.store.tables import attributes

_t = attributes.c


class Attributes(msgspec.Struct, frozen=True):
    """What was set for one object. `text` is the JSON as it was sent."""

    level: str
    owner_id: str
    text: str
    updated_at: datetime
    updated_by: str

    @property
    def value(self) -> dict[str, Any]:
        return msgspec.json.decode(self.text, type=dict[str, Any])


def put(
    conn: Connection, vault: Vault, stack_id: str, level: str, owner_id: str, text: str, *, at: datetime, by: str
) -> None:
    """Replace the object's attributes whole."""
    sealed = vault.seal(text.encode(), table="attributes", row=_row(level, owner_id), column="sealed", scope=stack_id)
    stacks.touch(conn, stack_id)
    here = (_t.level == level, _t.owner_id == owner_id)
    values = {"sealed": sealed, "updated_at": at, "updated_by": by}
    if conn.execute(sa.update(attributes).where(*here).values(values)).rowcount == 0:
        conn.execute(sa.insert(attributes).values(**values, level=level, owner_id=owner_id, stack_id=stack_id))


def remove(conn: Connection, stack_id: str, level: str, owner_id: str) -> None:
    conn.execute(sa.delete(attributes).where(_t.level == level, _t.owner_id == owner_id))
    stacks.touch(conn, stack_id)


def of(
    conn: Connection, vault: Vault, stack_id: str, *, owner_ids: Collection[str] | None = None
) -> dict[str, Attributes]:
    """By owner id: of all the stack's objects, or of those named. An object without attributes is not in it."""
    query = sa.select(attributes).where(_t.stack_id == stack_id).order_by(_t.level, _t.owner_id)
    if owner_ids is not None:
        query = query.where(_t.owner_id.in_(list(owner_ids)))
    found: dict[str, Attributes] = {}
    for row in conn.execute(query):
        plain = vault.open(
            bytes(row.sealed), table="attributes", row=_row(row.level, row.owner_id), column="sealed", scope=stack_id
        )
        found[row.owner_id] = Attributes(row.level, row.owner_id, plain.decode(), row.updated_at, row.updated_by)
    return found


def _row(level: str, owner_id: str) -> str:
    return f"{level}\0{owner_id}"
