"""The schema's version: bringing it up to date, and refusing one this server is too old for.

A migration expands first and contracts in a later release, so a server of the release before still works while
another already migrates. Write one in `migrations/versions/`; a test compares the result with `tables`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

if TYPE_CHECKING:
    from toque_server.store.database import Database

# Any number that no other advisory lock of ours has.
_MIGRATING = 0x70C0F


class NewerSchema(Exception):
    """The database was migrated by a newer server."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"the database has schema {found}, which this version of Toque does not know: a newer server has migrated "
            "it. Install that version again, or restore the backup made before the upgrade"
        )
        self.found = found


class OlderSchema(Exception):
    """The database needs `migrate()` first."""

    def __init__(self, found: str | None, wanted: str) -> None:
        super().__init__(
            f"the database has schema {found or 'none'} and this version of Toque needs {wanted}: "
            "start it with `toque server run`, which migrates it"
        )
        self.found, self.wanted = found, wanted


def migrate(database: Database) -> None:
    """Take every step that is missing, in one transaction. Two servers that start at once take turns."""
    with database.write() as conn:
        if conn.dialect.name == "postgresql":
            conn.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
        found = current(conn)
        if found is not None and found not in _known():
            raise NewerSchema(found)
        if found != head():
            command.upgrade(_config(conn), "head")


def check(database: Database) -> None:
    """Raises NewerSchema or OlderSchema."""
    with database.read() as conn:
        found = current(conn)
    if found is not None and found not in _known():
        raise NewerSchema(found)
    if found != head():
        raise OlderSchema(found, head())


def current(conn: Connection) -> str | None:
    """The revision the database is at; None for an empty database."""
    return MigrationContext.configure(conn).get_current_revision()


def head() -> str:
    """The revision this server needs."""
    found = _scripts().get_current_head()
    assert found is not None
    return found


def _known() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(None))


def _config(conn: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = conn
    return config
