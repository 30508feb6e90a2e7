"""Being the leader: the lease that the loops act under, and the look at it in each of their transactions (R19)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection

from toque_server.store import leases
from toque_server.store.database import Database

NAME = "reconcile"
LENGTH = timedelta(seconds=15)
RENEW_AFTER = 5.0
_MARGIN = 3.0


class NotLeading(Exception):
    """Another process leads now; nothing of this transaction may stay."""

    def __init__(self) -> None:
        super().__init__("this process does not hold the lease of the loops any more")


class Leadership:
    """Call `keep` in every turn, and write through `write` only."""

    def __init__(self, database: Database, holder: str, *, steady: Callable[[], float] = time.monotonic) -> None:
        self.epoch: int | None = None
        self._database = database
        self._holder = holder
        self._steady = steady
        self._until = 0.0
        self._renew_at = 0.0

    def keep(self) -> bool:
        """Take or renew the lease when it is time; whether this process leads."""
        asked = self._steady()
        if self.epoch is None or asked >= self._renew_at or asked >= self._until:
            with self._database.write() as conn:
                now = self._database.now(conn)
                self.epoch = leases.acquire(conn, NAME, self._holder, now=now, length=LENGTH)
            # Counted from before we asked, and less a margin: our clock runs out before the row does.
            self._until = asked + LENGTH.total_seconds() - _MARGIN
            self._renew_at = asked + RENEW_AFTER
        return self.epoch is not None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that commits only while we lead. Raises NotLeading."""
        epoch = self.epoch
        if epoch is None or self._steady() >= self._until:
            raise NotLeading
        with self._database.write() as conn:
            if not leases.holds(conn, NAME, epoch, now=self._database.now(conn)):
                raise NotLeading
            yield conn

    def resign(self) -> None:
        """Let a successor begin at once."""
        if (epoch := self.epoch) is None:
            return
        self.epoch = None
        with self._database.write() as conn:
            leases.release(conn, NAME, epoch, now=self._database.now(conn))
