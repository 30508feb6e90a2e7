"""A database that is put back as it was, so that each request of a test meets the same world."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import Final

from toque_server.store.database import Database

UNTOLD: Final = ("audit", "attempts")
"""Tables that a refused call may write to: who asked, and who failed to get in."""


class Kept:
    """What a SQLite database holds now, for the time after."""

    def __init__(self, database: Database) -> None:
        assert database.path is not None
        self._live = sqlite3.connect(database.path, isolation_level=None)
        self._copy = sqlite3.connect(":memory:", isolation_level=None)
        self._live.backup(self._copy)
        self._version = self._seen()

    @property
    def touched(self) -> bool:
        """Whether anything at all was written since; cheap."""
        return self._seen() != self._version

    def differences(self, *, besides: Collection[str] = UNTOLD) -> list[str]:
        """The tables whose rows are others now."""
        if not self.touched:
            return []
        tables = [name for (name,) in self._copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [name for name in tables if name not in besides and _rows(self._live, name) != _rows(self._copy, name)]

    def put_back(self) -> None:
        if self.touched:
            self._copy.backup(self._live)
            self._version = self._seen()

    def close(self) -> None:
        self._live.close()
        self._copy.close()

    def _seen(self) -> int:
        # SQLite counts here what other connections committed.
        return int(self._live.execute("PRAGMA data_version").fetchone()[0])


def _rows(of: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    # When a key or a token was used last is noted now and then, whatever the call.
    columns = [f'"{name}"' for _, name, *_ in of.execute(f'PRAGMA table_info("{table}")') if "used_at" not in name]
    return sorted(of.execute(f'SELECT {", ".join(columns)} FROM "{table}"').fetchall(), key=repr)
