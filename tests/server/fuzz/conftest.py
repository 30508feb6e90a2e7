"""One server for all operations, as it was at its beginning for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import services_on
from tests.server.fuzz.door import Door, opened
from tests.server.fuzz.kept import Kept
from toque_server.security.keys import ServerKeys
from toque_server.settings import for_profile
from toque_server.store.database import Database


@pytest.fixture(scope="session")
def first_day(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, server_keys: ServerKeys
) -> Iterator[tuple[Door, Kept]]:
    """A server on SQLite, and its database as `init` leaves it."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "toque.db").write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{folder}/toque.db"
    database = Database(url)
    settings = for_profile("demo", database=url, data_dir=folder, allow_insecure_sources=True)
    door = opened(services_on(database, settings, server_keys))
    kept = Kept(database)
    yield door, kept
    kept.close()
    database.close()


@pytest.fixture
def door(first_day: tuple[Door, Kept]) -> Door:
    """The server without anything that another test made."""
    door, kept = first_day
    kept.put_back()
    return door
