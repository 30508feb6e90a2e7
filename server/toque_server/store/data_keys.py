"""Data keys of the envelope, wrapped by the master key; see `security.envelope`."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select, update

from toque_server.store.database import Database
from toque_server.store.tables import data_keys
from toque_server.store.upsert import insert_into


class DataKeys:
    """The table, as the Vault wants it. Joins the transaction its thread is in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, scope: str) -> tuple[bytes, str] | None:
        with self._database.read() as conn:
            row = conn.execute(
                select(data_keys.c.wrapped, data_keys.c.master).where(data_keys.c.scope == scope)
            ).first()
        return None if row is None else (row.wrapped, row.master)

    def add(self, scope: str, wrapped: bytes, master: str) -> tuple[bytes, str]:
        with self._database.write() as conn:
            values = {"scope": scope, "wrapped": wrapped, "master": master}
            conn.execute(insert_into(conn, data_keys).values(values).on_conflict_do_nothing())
            row = conn.execute(select(data_keys.c.wrapped, data_keys.c.master).where(data_keys.c.scope == scope)).one()
        return row.wrapped, row.master

    def settled(self, follow: Callable[[], None]) -> None:
        self._database.after_commit(follow)

    def not_under(self, master: str, limit: int) -> list[tuple[str, bytes, str]]:
        """Scopes whose key is wrapped by another master: what a rekey has still to do."""
        wanted = select(data_keys).where(data_keys.c.master != master).order_by(data_keys.c.scope).limit(limit)
        with self._database.read() as conn:
            return [(row.scope, row.wrapped, row.master) for row in conn.execute(wanted)]

    def replace(self, scope: str, seen: bytes, wrapped: bytes, master: str) -> bool:
        """Put the rewrapped key in place of the one seen; False when another rekey was first."""
        here = (data_keys.c.scope == scope) & (data_keys.c.wrapped == seen)
        with self._database.write() as conn:
            done = conn.execute(update(data_keys).where(here).values(wrapped=wrapped, master=master))
        return done.rowcount == 1
