"""Volumes in the database. Whoever changes one holds its instances (`instances.held`) first."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from toque_server.domain.volume import Volume
from toque_server.store import stacks
from toque_server.store.documents import from_row, to_row
from toque_server.store.tables import volumes

_ORDER = (volumes.c.created_at, volumes.c.id)


def add(conn: Connection, volume: Volume) -> bool:
    """Register a volume; says whether its provider's id was free to be registered."""
    try:
        with conn.begin_nested():
            conn.execute(sa.insert(volumes).values(to_row(volume, volumes)))
    except IntegrityError:
        return False
    stacks.touch(conn, volume.stack_id)
    return True


def get(conn: Connection, id: str) -> Volume | None:
    return by_ids(conn, [id]).get(id)


def by_ids(conn: Connection, ids: Collection[str]) -> dict[str, Volume]:
    """By id, oldest first; an id that does not exist is left out."""
    return {each.id: each for each in _load(conn, volumes.c.id.in_(list(ids)))}


def by_provider_id(conn: Connection, ec2_volume_id: str) -> Volume | None:
    return next(iter(_load(conn, volumes.c.ec2_volume_id == ec2_volume_id)), None)


def of_stacks(conn: Connection, stack_ids: Collection[str]) -> list[Volume]:
    return _load(conn, volumes.c.stack_id.in_(list(stack_ids)))


def of_instance(conn: Connection, instance_id: str) -> list[Volume]:
    return _load(conn, volumes.c.instance_id == instance_id)


def of_raid_array(conn: Connection, raid_array_id: str) -> list[Volume]:
    return _load(conn, volumes.c.raid_array_id == raid_array_id)


def swap(conn: Connection, seen: Volume, new: Volume) -> bool:
    """Write `new` if the volume still is where it was `seen`, in that status; says whether it was."""
    if conn.execute(sa.update(volumes).where(*_as(seen)).values(to_row(new, volumes))).rowcount != 1:
        return False
    stacks.touch(conn, new.stack_id)
    return True


def remove(conn: Connection, seen: Volume) -> bool:
    """Deregister a volume; says whether it still was where it was seen."""
    if conn.execute(sa.delete(volumes).where(*_as(seen))).rowcount != 1:
        return False
    stacks.touch(conn, seen.stack_id)
    return True


def _as(seen: Volume) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        volumes.c.id == seen.id,
        volumes.c.instance_id.is_not_distinct_from(seen.instance_id),
        volumes.c.status == seen.status,
    )


def _load(conn: Connection, condition: sa.ColumnElement[bool]) -> list[Volume]:
    query = sa.select(volumes).where(condition).order_by(*_ORDER)
    return [from_row(Volume, row, volumes) for row in conn.execute(query)]
