"""Actions take effect here, for the loops and for whoever settles a command (the places themselves: store.actions)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from toque_server.domain.actions import Action
from toque_server.reconcile.services import Services
from toque_server.store import actions as store
from toque_server.store.actions import Overtaken

__all__ = ["Overtaken", "apply"]


def apply(conn: Connection, actions: Iterable[Action], now: datetime, services: Services) -> None:
    """Write what was decided, as one whole. Raises Overtaken: then the transaction must roll back."""
    store.apply(conn, actions, now, new_id=services.new_id, times=services.settings.command)
