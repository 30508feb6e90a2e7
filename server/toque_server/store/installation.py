"""Facts about the installation itself, by name."""

from __future__ import annotations

from sqlalchemy import Connection, select

from toque_server.store.tables import installation
from toque_server.store.upsert import insert_into


def get(conn: Connection, name: str) -> str | None:
    found: str | None = conn.execute(select(installation.c.value).where(installation.c.name == name)).scalar()
    return found


def put(conn: Connection, name: str, value: str) -> None:
    statement = insert_into(conn, installation).values(name=name, value=value)
    conn.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


def beginning_with(conn: Connection, prefix: str) -> dict[str, str]:
    """The facts whose names begin so, by the rest of their names."""
    rows = conn.execute(select(installation).where(installation.c.name.startswith(prefix, autoescape=True)))
    return {row.name.removeprefix(prefix): row.value for row in rows}
