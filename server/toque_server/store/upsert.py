"""INSERT … ON CONFLICT, which SQLite and PostgreSQL both speak and SQLAlchemy spells once per database."""

from __future__ import annotations

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(conn: Connection, table: Table) -> sqlite.Insert:
    """An `INSERT` that has `on_conflict_do_update` and `on_conflict_do_nothing` on the connection's database.

    Both dialects' classes have the same methods with the same meaning; the type named is SQLite's.
    """
    if conn.dialect.name == "postgresql":
        return postgresql.insert(table)  # type: ignore[return-value]
    return sqlite.insert(table)
