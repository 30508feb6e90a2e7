"""The one door to the database: a transaction to write, a snapshot to read, on SQLite and PostgreSQL alike.

SQLite is served by one process (a file lock beside the database says which) through one writing connection, which also
does every checkpoint; readers cannot write at all. So a write waits for the write before it and for nothing else, and
what was answered is on the disk (R1). PostgreSQL works at READ COMMITTED: nothing here relies on more, every change of
state is a compare-and-set (R3).

    database = Database("sqlite:////var/lib/toque-server/toque.db")
    database.migrate()
    with database.write() as conn:
        conn.execute(insert(stacks).values(...))
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

BUSY_MS = 10_000
"""How long SQLite waits for a lock that another process holds (a backup, an operator's sqlite3), in milliseconds."""

_READERS = 8
_MORE_READERS = 56


class DatabaseInUse(Exception):
    """Another process serves this SQLite database."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(
            f"the database {path} is in use by process {holder or 'unknown'}: one process serves a SQLite database; "
            "stop that one first, or move to PostgreSQL with `toque server init --database postgresql://…`"
        )
        self.path, self.holder = path, holder


class DiskFull(Exception):
    """The database cannot grow; nothing of the transaction was written. Reads go on (R12)."""

    def __init__(self) -> None:
        super().__init__("the server's disk is full: nothing was changed; make room on it and try again")


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass
class _Transaction:
    conn: Connection
    writing: bool
    after_commit: list[Callable[[], None]] = field(default_factory=list)


class _Here(threading.local):
    transaction: _Transaction | None = None


class Database:
    """A database, with its two ways in.

    `url`: `sqlite:////absolute/path` or `postgresql://user@host/name`.
    `clock`: where `now()` comes from. None: this machine's clock on SQLite, the database's own on PostgreSQL, where
    several servers must agree. A test gives one.
    `on_commit`: called after each committed change, outside any transaction; a hint that there may be work, never more.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], datetime] | None = None,
        on_commit: Callable[[], None] | None = None,
    ) -> None:
        self.url: URL = _with_driver(make_url(url))
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.on_commit = on_commit
        self._clock = clock
        self._here = _Here()
        self._writing = threading.RLock()
        self._lock_file: int | None = None
        if self.is_sqlite:
            self._writer = _sqlite_engine(self.url, writer=True)
            self._reader = _sqlite_engine(self.url, writer=False)
        else:
            self._writer = self._reader = _postgres_engine(self.url)

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database; None on PostgreSQL."""
        return Path(self.url.database) if self.is_sqlite and self.url.database else None

    @property
    def engine(self) -> Engine:
        """The engine that writes: for migrations and backup, not for queries."""
        return self._writer

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction. It commits when the block ends, and rolls back when the block raises.

        On SQLite it waits until it is the only writer, so keep network calls and slow work outside. Inside another
        `write()` of the same thread it joins that one. Raises DiskFull, with nothing written.
        """
        if (outer := self._here.transaction) is not None:
            if not outer.writing:
                raise RuntimeError("a write inside a read: the snapshot read would not see it; open the write outside")
            yield outer.conn
            return
        with self._one_writer(), _disk_full_has_a_name(), self._writer.connect() as conn:
            here = self._here.transaction = _Transaction(conn, writing=True)
            try:
                with conn.begin():
                    yield conn
            finally:
                self._here.transaction = None
        for follow in here.after_commit:
            follow()
        if self.on_commit is not None:
            self.on_commit()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot of what is committed. Inside a `write()` of the same thread it also sees that one's changes."""
        if (outer := self._here.transaction) is not None:
            yield outer.conn
            return
        with self._reader.connect() as plain:
            conn = plain if self.is_sqlite else plain.execution_options(postgresql_readonly=True)
            self._here.transaction = _Transaction(conn, writing=False)
            try:
                with conn.begin():
                    yield conn
            finally:
                self._here.transaction = None

    def after_commit(self, follow: Callable[[], None]) -> None:
        """Call `follow` once the transaction of this thread has committed: at once, if there is none that writes."""
        here = self._here.transaction
        if here is not None and here.writing:
            here.after_commit.append(follow)
        else:
            follow()

    def now(self, conn: Connection) -> datetime:
        """The time all servers agree on."""
        if self._clock is not None:
            return self._clock()
        if self.is_sqlite:
            return utc_now()
        answer: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
        return answer.astimezone(UTC)

    def migrate(self) -> None:
        """Bring the schema to this version of the server. Raises NewerSchema."""
        from toque_server.store import schema

        schema.migrate(self)

    def check_schema(self) -> None:
        """Raises OlderSchema or NewerSchema, which say what to do."""
        from toque_server.store import schema

        schema.check(self)

    def claim(self) -> None:
        """Become the process that serves this database; released when the process ends. Raises DatabaseInUse.

        On PostgreSQL any number of processes serve, and there is nothing to claim.
        """
        if self.path is None or self._lock_file is not None:
            return
        handle = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 20, 0).decode(errors="replace").strip()
            os.close(handle)
            raise DatabaseInUse(self.path, holder) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self._lock_file = handle

    def close(self) -> None:
        """Close every connection and give up the claim."""
        self._reader.dispose()
        self._writer.dispose()
        if self._lock_file is not None:
            os.close(self._lock_file)
            self._lock_file = None

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        with self._writing:
            yield


@contextmanager
def _disk_full_has_a_name() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        said = error.orig
        if "database or disk is full" in str(said) or getattr(said, "sqlstate", None) == "53100":
            raise DiskFull from error
        raise


def _with_driver(url: URL) -> URL:
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise ValueError(
            f"{url} is no database for Toque: give sqlite:////absolute/path or postgresql://user@host/name"
        )
    return url


def _sqlite_engine(url: URL, *, writer: bool) -> Engine:
    pool: dict[str, Any] = (
        {"poolclass": StaticPool} if writer else {"pool_size": _READERS, "max_overflow": _MORE_READERS}
    )
    engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000}, **pool)

    @event.listens_for(engine, "connect")
    def _set_up(raw: Any, _record: Any) -> None:
        # The driver must not open transactions by itself: "begin" below does.
        raw.isolation_level = None
        if writer:
            raw.execute("PRAGMA journal_mode = WAL")
            raw.execute("PRAGMA synchronous = FULL")
        else:
            raw.execute("PRAGMA query_only = ON")
            raw.execute("PRAGMA wal_autocheckpoint = 0")
        raw.execute("PRAGMA foreign_keys = ON")
        raw.execute(f"PRAGMA busy_timeout = {BUSY_MS}")

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN IMMEDIATE" if writer else "BEGIN")

    return engine


def _postgres_engine(url: URL) -> Engine:
    return create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=16,
        max_overflow=48,
        pool_pre_ping=True,
        # A pooler between us and the database hands one session to many of us: nothing may stay in it.
        connect_args={"prepare_threshold": None, "connect_timeout": 10},
    )
