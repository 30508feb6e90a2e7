"""RAID arrays in the database; their disks are volumes, and go with them."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.raid import RaidArray
from toque_server.store import stacks
from toque_server.store.documents import from_row, to_row
from toque_server.store.tables import raid_arrays

_ORDER = (raid_arrays.c.created_at, raid_arrays.c.id)


def add(conn: Connection, array: RaidArray) -> None:
    conn.execute(sa.insert(raid_arrays).values(to_row(array, raid_arrays)))
    stacks.touch(conn, array.stack_id)


def by_ids(conn: Connection, ids: Collection[str]) -> dict[str, RaidArray]:
    """By id, oldest first; an id that does not exist is left out."""
    return {each.id: each for each in _load(conn, raid_arrays.c.id.in_(list(ids)))}


def of_stacks(conn: Connection, stack_ids: Collection[str]) -> list[RaidArray]:
    return _load(conn, raid_arrays.c.stack_id.in_(list(stack_ids)))


def of_instance(conn: Connection, instance_id: str) -> list[RaidArray]:
    return _load(conn, raid_arrays.c.instance_id == instance_id)


def update(conn: Connection, array: RaidArray) -> None:
    conn.execute(sa.update(raid_arrays).where(raid_arrays.c.id == array.id).values(to_row(array, raid_arrays)))
    stacks.touch(conn, array.stack_id)


def remove(conn: Connection, array: RaidArray) -> None:
    """Forget the array, and its disks."""
    conn.execute(sa.delete(raid_arrays).where(raid_arrays.c.id == array.id))
    stacks.touch(conn, array.stack_id)


def _load(conn: Connection, condition: sa.ColumnElement[bool]) -> list[RaidArray]:
    query = sa.select(raid_arrays).where(condition).order_by(*_ORDER)
    return [from_row(RaidArray, row, raid_arrays) for row in conn.execute(query)]
