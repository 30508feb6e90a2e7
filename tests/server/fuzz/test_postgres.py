"""Hostile values on PostgreSQL, which refuses what SQLite keeps: NUL characters, integers too wide for their column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from sqlalchemy import Connection

from tests.conftest import services_on
from tests.server.fuzz.door import Door, opened
from tests.server.fuzz.effort import effort
from tests.server.fuzz.judge import judge_aws
from tests.server.fuzz.mutations import Sent, mutated
from tests.server.fuzz.worlds import NAMES, calls_of
from toque_server.operations.registry import OPERATIONS
from toque_server.security.keys import ServerKeys
from toque_server.settings import for_profile
from toque_server.store.database import Database

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def door(
    tmp_path_factory: pytest.TempPathFactory,
    postgres_url: Callable[..., str],
    postgres_template: str,
    server_keys: ServerKeys,
) -> Iterator[Door]:
    """One server for all operations: what a test does is never committed."""
    url = postgres_url(like=postgres_template)
    database = Database(url)
    folder = tmp_path_factory.mktemp("postgres")
    yield opened(services_on(database, for_profile("demo", database=url, data_dir=folder), server_keys))
    database.close()


@pytest.mark.parametrize("name", NAMES)
def test_one_mutation_is_answered_on_postgresql_too(name: str, door: Door) -> None:
    with never_committed(door.services.database) as conn:
        op, calls = OPERATIONS[name], calls_of(name, door)

        @effort(4)
        @given(mutated(op, calls, members_only=True))
        def ask(sent: Sent) -> None:
            point = conn.begin_nested()
            try:
                judge_aws(op, sent, door.aws(sent.target, sent.body), named=False)
            finally:
                point.rollback()

        ask()


@contextmanager
def never_committed(database: Database) -> Iterator[Connection]:
    """A block whose calls all join one transaction, which is rolled back at its end."""
    try:
        with database.write() as conn:
            yield conn
            raise _RolledBack
    except _RolledBack:
        pass


class _RolledBack(Exception):
    pass
