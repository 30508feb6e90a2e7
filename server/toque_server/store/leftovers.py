"""Machines that outlive their instance's record, until their provider has terminated them."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.instance import Instance
from toque_server.store.tables import leftovers


class Leftover(msgspec.Struct, frozen=True):
    """`instance` is as it was when it was deleted; `region` picks the provider, for its stack may be gone too."""

    instance: Instance
    region: str
    since: datetime


def add(conn: Connection, instance: Instance, *, region: str, at: datetime) -> None:
    conn.execute(
        sa.insert(leftovers).values(
            instance_id=instance.id, region=region, since=at, instance=msgspec.json.encode(instance).decode()
        )
    )


def every(conn: Connection) -> list[Leftover]:
    """The oldest first."""
    rows = conn.execute(sa.select(leftovers).order_by(leftovers.c.since, leftovers.c.instance_id))
    return [Leftover(msgspec.json.decode(row.instance, type=Instance), row.region, row.since) for row in rows]


def remove(conn: Connection, instance_id: str) -> None:
    """Its machine is gone."""
    conn.execute(sa.delete(leftovers).where(leftovers.c.instance_id == instance_id))
