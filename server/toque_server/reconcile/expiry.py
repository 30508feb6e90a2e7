"""The expiry loop: no command waits or runs for ever."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from toque_server.domain import expiry
from toque_server.domain.actions import Action
from toque_server.domain.guards import silent_after
from toque_server.reconcile.desk import Desk
from toque_server.store import commands, instances


def tick(desk: Desk, now: datetime) -> list[Sequence[Action]]:
    """End what has waited or run too long; returns what took effect."""
    with desk.database.read() as conn:
        late = [*commands.past_expiry(conn, now), *commands.running(conn)]
        if not late:
            return []
        owners = {command.instance_id for command in late}
        known = instances.by_ids(conn, owners)
        heard = desk.last_contacts(conn, owners)
        interval = desk.interval_now(conn, now)
    settings = desk.services.settings
    limit = silent_after(settings.heal, interval) + settings.command.silent_after_ack
    return desk.carry_out(expiry.decide(late, known, heard, limit, now), now)
