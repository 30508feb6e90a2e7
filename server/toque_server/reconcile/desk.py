"""What every loop works with: the lease, the store, the calls, and one way to write what was decided."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection

from toque_server.domain import rhythm
from toque_server.domain.actions import Action
from toque_server.domain.rhythm import Rhythm
from toque_server.reconcile.apply import Overtaken, apply
from toque_server.reconcile.calls import Calls
from toque_server.reconcile.leadership import Leadership
from toque_server.reconcile.services import Services
from toque_server.settings import Limits
from toque_server.store import contacts
from toque_server.store.database import Database

_AT_ONCE = 100
"""Decisions written in one transaction: few enough not to keep others waiting, enough to share its cost."""


_LATELY = timedelta(hours=1)


@dataclass(frozen=True)
class Desk:
    database: Database
    leadership: Leadership
    services: Services
    calls: Calls

    @property
    def limits(self) -> Limits:
        return self.services.settings.limits

    def carry_out(self, decided: Iterable[Sequence[Action]], now: datetime) -> list[Sequence[Action]]:
        """Write decisions, each as one whole; those that somebody overtook are left out. Returns what took effect."""
        done: list[Sequence[Action]] = []
        rest = iter(decided)
        while some := list(islice(rest, _AT_ONCE)):
            with self.leadership.write() as conn:
                done += [actions for actions in some if self.wrote(conn, actions, now)]
        return done

    def wrote(self, conn: Connection, actions: Sequence[Action], now: datetime) -> bool:
        try:
            with conn.begin_nested():
                apply(conn, actions, now, self.services)
        except Overtaken:
            return False
        return True

    def last_contacts(self, conn: Connection, instance_ids: Iterable[str] | None = None) -> Mapping[str, datetime]:
        """The newest contact of each instance, whether it is written down yet or not."""
        heard = dict(contacts.last(conn, instance_ids))
        for id, at in self.services.last_contacts().items():
            if id not in heard or heard[id] < at:
                heard[id] = at
        return heard

    def interval_now(self, conn: Connection, now: datetime) -> timedelta:
        """The same for the nodes that were heard lately."""
        return self.interval(contacts.count(conn, now - _LATELY))

    def interval(self, nodes: int) -> timedelta:
        """How often each of so many nodes calls (ruling 5)."""
        times = self.services.settings.contact
        per_second = times.per_second or (1000 if self.database.is_sqlite else 2000)
        sized = Rhythm(
            per_second=float(per_second),
            shortest=times.shortest.total_seconds(),
            longest=times.longest.total_seconds(),
        )
        return timedelta(seconds=rhythm.interval(sized, nodes, busy=False))
