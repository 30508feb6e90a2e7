"""The retention loop: what is old enough is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

from toque_server.reconcile.desk import Desk
from toque_server.store import commands, events, heals, instances, join_tokens, logs

EVENTS = timedelta(days=30)
HEALS = timedelta(days=30)
JOIN_TOKENS = timedelta(days=7)


def tick(desk: Desk, now: datetime) -> None:
    """Drop old events, heals, join tokens, and the logs of all but each instance's newest commands (E-17)."""
    with desk.leadership.write() as conn:
        events.drop_before(conn, now - EVENTS)
        heals.drop_before(conn, now - HEALS)
        join_tokens.prune(conn, now - JOIN_TOKENS)
        with_logs = commands.with_logs(conn)
        known = [each.id for each in instances.every(conn)]
    desk.calls.forget_sightings(known)
    for instance_id in with_logs:
        with desk.leadership.write() as conn:
            logs.prune(conn, instance_id)
