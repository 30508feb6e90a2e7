"""The installation's directory of database instances: where each is, by its ARN (08 § 4)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.database_instance import DirectoryEntry
from toque_server.store.documents import from_row, to_row
from toque_server.store.tables import database_directory as table


def put(conn: Connection, entry: DirectoryEntry) -> None:
    """Enter it, or replace what stood there."""
    row = to_row(entry, table)
    again = sa.update(table).where(table.c.arn == entry.arn).values(row)
    if conn.execute(again).rowcount:
        return
    try:
        with conn.begin_nested():
            conn.execute(sa.insert(table).values(row))
    except sa.exc.IntegrityError:
        # Somebody else entered it between our two statements.
        conn.execute(again)


def get(conn: Connection, arn: str) -> DirectoryEntry | None:
    row = conn.execute(sa.select(table).where(table.c.arn == arn)).one_or_none()
    return None if row is None else from_row(DirectoryEntry, row, table)


def every(conn: Connection) -> list[DirectoryEntry]:
    """All entries, in the order of ARNs."""
    return [from_row(DirectoryEntry, row, table) for row in conn.execute(sa.select(table).order_by(table.c.arn))]


def remove(conn: Connection, arn: str) -> bool:
    """Whether it was there."""
    return conn.execute(sa.delete(table).where(table.c.arn == arn)).rowcount == 1
