"""Data bag items in the database: sealed, since any of them may hold a secret."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.security.envelope import Vault
from toque_server.store import stacks
from toque_server.store.tables import data_bag_items

_t = data_bag_items.c


class Place(msgspec.Struct, frozen=True):
    """Where an item lies: `level` is `stack`, `layer`, `app` or `instance`, `owner_id` the id of that object."""

    stack_id: str
    level: str
    owner_id: str
    bag: str
    item: str

    @property
    def row(self) -> str:
        """The row's name for the seal, so that an item moved to another place does not open."""
        return "\0".join((self.level, self.owner_id, self.bag, self.item))


class ItemInfo(msgspec.Struct, frozen=True):
    """An item without its content."""

    place: Place
    version: int
    updated_at: datetime
    updated_by: str


def get(conn: Connection, vault: Vault, place: Place) -> tuple[ItemInfo, dict[str, Any]] | None:
    row = conn.execute(sa.select(data_bag_items).where(*_at(place))).one_or_none()
    if row is None:
        return None
    return ItemInfo(place, row.version, row.updated_at, row.updated_by), _open(vault, place, row.sealed)


def put(
    conn: Connection,
    vault: Vault,
    place: Place,
    content: dict[str, Any],
    *,
    at: datetime,
    by: str,
    version: int | None = None,
) -> int | None:
    """Write an item and return its new version; None if it no longer has `version` (0: does not exist yet).

    Without `version` the write always takes effect.
    """
    sealed = vault.seal(
        msgspec.json.encode(content), table="data_bag_items", row=place.row, column="sealed", scope=place.stack_id
    )
    values = {"sealed": sealed, "updated_at": at, "updated_by": by}
    stacks.touch(conn, place.stack_id)
    found = conn.execute(sa.select(_t.version).where(*_at(place)).with_for_update()).scalar_one_or_none()
    if version is not None and version != (found or 0):
        return None
    if found is None:
        conn.execute(sa.insert(data_bag_items).values(**msgspec.structs.asdict(place), **values, version=1))
        return 1
    conn.execute(sa.update(data_bag_items).where(*_at(place)).values(**values, version=found + 1))
    return int(found) + 1


def listed(
    conn: Connection, stack_id: str, *, bag: str | None = None, level: str | None = None, owner_id: str | None = None
) -> list[ItemInfo]:
    """The stack's items by bag and name, without their content; only those that fit what is given."""
    query = sa.select(data_bag_items).where(_t.stack_id == stack_id).order_by(_t.bag, _t.item, _t.level, _t.owner_id)
    for column, wanted in ((_t.bag, bag), (_t.level, level), (_t.owner_id, owner_id)):
        if wanted is not None:
            query = query.where(column == wanted)
    return [
        ItemInfo(
            Place(row.stack_id, row.level, row.owner_id, row.bag, row.item), row.version, row.updated_at, row.updated_by
        )
        for row in conn.execute(query)
    ]


def seen_by(conn: Connection, vault: Vault, stack_id: str, owner_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Free data bags, bag then item, that a node of these owners (stack, its layers, apps, itself) may read.

    An item that stands at several levels is the one of the nearest: instance before app before layer before stack.
    """
    query = sa.select(data_bag_items).where(_t.stack_id == stack_id, _t.owner_id.in_([stack_id, *owner_ids]))
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(conn.execute(query), key=lambda row: _RANK[row.level]):
        place = Place(row.stack_id, row.level, row.owner_id, row.bag, row.item)
        found.setdefault(row.bag, {})[row.item] = _open(vault, place, row.sealed)
    return found


def remove(conn: Connection, place: Place, *, version: int | None = None) -> bool:
    """Delete an item; False if there is none, or none of this version."""
    stacks.touch(conn, place.stack_id)
    same = () if version is None else (_t.version == version,)
    return conn.execute(sa.delete(data_bag_items).where(*_at(place), *same)).rowcount == 1


_RANK = {"stack": 0, "layer": 1, "app": 2, "instance": 3}


def _at(place: Place) -> tuple[sa.ColumnElement[bool], ...]:
    return tuple(data_bag_items.c[name] == getattr(place, name) for name in Place.__struct_fields__)


def _open(vault: Vault, place: Place, sealed: bytes) -> dict[str, Any]:
    plain = vault.open(bytes(sealed), table="data_bag_items", row=place.row, column="sealed", scope=place.stack_id)
    return msgspec.json.decode(plain, type=dict[str, Any])
