"""Inserting where the row may be there already: the one statement that SQLite and PostgreSQL share only in spirit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_or_ignore(conn: Connection, table: Table, **values: Any) -> bool:
    """Insert a row, unless one with its key is there. Says whether it was inserted."""
    words = sqlite if conn.dialect.name == "sqlite" else postgresql
    return conn.execute(words.insert(table).values(**values).on_conflict_do_nothing()).rowcount == 1


def insert_or_update(conn: Connection, table: Table, **values: Any) -> None:
    """Insert a row; where one with its primary key is, give that one these values."""
    words = sqlite if conn.dialect.name == "sqlite" else postgresql
    key = [column.name for column in table.primary_key]
    changed = {name: value for name, value in values.items() if name not in key}
    statement = words.insert(table).values(**values)
    conn.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))
