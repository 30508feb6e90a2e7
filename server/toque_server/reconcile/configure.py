"""The Configure loop: stacks that changed hear of it when they are quiet (D16)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from toque_server.domain import coalesce
from toque_server.domain.actions import Action
from toque_server.reconcile.desk import Desk
from toque_server.store import configures, instances


def tick(desk: Desk, now: datetime) -> tuple[list[Sequence[Action]], bool]:
    """One look at every stack that waits. What took effect, and whether any waits still."""
    times = desk.services.settings.configure
    with desk.database.read() as conn:
        due = configures.all_due(conn)
    done: list[Sequence[Action]] = []
    for seen in due:
        if not coalesce.may_act(seen, times, now):
            continue
        with desk.leadership.write() as conn:
            decided = coalesce.decide(seen, instances.of_stack(conn, seen.stack_id), times, now)
            if decided is not None and desk.wrote(conn, [decided], now):
                done.append([decided])
    return done, bool(due)
