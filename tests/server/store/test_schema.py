from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from toque_server.store import schema
from toque_server.store.database import Database
from toque_server.store.schema import NewerSchema, OlderSchema
from toque_server.store.tables import metadata


def test_the_migrations_make_what_the_tables_say(either: Database) -> None:
    with either.read() as conn:
        context = MigrationContext.configure(conn, opts={"compare_type": True})

        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(either: Database) -> None:
    either.migrate()

    either.check_schema()


def test_R25_a_newer_schema_is_refused_and_left_alone(either: Database) -> None:
    with either.write() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(NewerSchema, match="a newer server has migrated it"):
        either.migrate()
    with pytest.raises(NewerSchema):
        either.check_schema()
    with either.read() as conn:
        assert schema.current(conn) == "9999"


def test_an_empty_database_is_told_apart_from_an_up_to_date_one(database: Database) -> None:
    with database.write() as conn:
        conn.execute(text("DELETE FROM alembic_version"))

    with pytest.raises(OlderSchema, match="has schema none"):
        database.check_schema()
