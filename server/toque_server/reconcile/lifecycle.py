"""The lifecycle loop: instances on their way up or down take their next step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from toque_server.domain.actions import Action, Order
from toque_server.domain.instance import Status
from toque_server.domain.lifecycle import TRANSITIONAL, View, decide
from toque_server.reconcile.desk import Desk
from toque_server.store import commands, heals, instances

_MOVING: Final = TRANSITIONAL - {Status.STOPPED, Status.CONNECTION_LOST}
_LOOKED_AT: Final = frozenset(
    {
        Status.REQUESTED,
        Status.PENDING,
        Status.BOOTING,
        Status.SHUTTING_DOWN,
        Status.STOPPING,
        Status.TERMINATING,
    }
)
"""Where the provider's word decides about the next step."""


def tick(desk: Desk, now: datetime) -> tuple[list[Sequence[Action]], bool]:
    """One look at every instance that is on its way. What took effect, and whether any is still on its way."""
    with desk.database.read() as conn:
        moving = {each.id: each for each in instances.in_status(conn, _MOVING)}
        others = {*heals.under_way(conn), *commands.with_open_setup(conn)} - set(moving)
        moving |= instances.by_ids(conn, others)
        queues = commands.open_of(conn, moving)
        heard = desk.last_contacts(conn, moving)
    seen = desk.calls.sightings(moving.values())
    decided: list[list[Action]] = []
    orders: list[Order] = []
    for instance in moving.values():
        view = View(
            instance=instance,
            commands=tuple(queues.get(instance.id, ())),
            sighting=seen.get(instance.id),
            last_contact=heard.get(instance.id),
        )
        steps = decide(view, desk.limits, now)
        orders += [step for step in steps if isinstance(step, Order)]
        if actions := [step for step in steps if not isinstance(step, Order)]:
            decided.append(actions)
    done = desk.carry_out(decided, now)
    desk.calls.forget(orders)
    for order in orders:
        desk.calls.give(order)
    desk.calls.look((each for each in moving.values() if each.status in _LOOKED_AT), now)
    return done, any(each.status in _MOVING for each in moving.values())
