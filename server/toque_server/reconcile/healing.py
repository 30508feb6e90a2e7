"""The healing loop: read the fleet, decide, take the last look (H10), begin."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import Connection

from toque_server.domain import guards as guard
from toque_server.domain.actions import Action, Heal
from toque_server.domain.guards import Clock, Guards
from toque_server.domain.healing import WATCHED, Decision, Fleet, Node, StartHeal, Trouble, decide, noted
from toque_server.domain.instance import Instance
from toque_server.domain.transitions import begin_heal
from toque_server.reconcile.desk import Desk
from toque_server.store import commands, heals, instances, layers

log = logging.getLogger(__name__)

_HISTORY = timedelta(hours=30)
"""How far back heals are read: the day that H8 counts, and the time that a heal may take."""


class Healer:
    """The leader's memory of healing, which a new leader begins anew."""

    def __init__(self, desk: Desk, *, draw: Random | None = None) -> None:
        self.guards: Guards | None = None
        self._desk = desk
        self._draw = draw or Random()
        self._troubles: dict[str, Trouble] = {}

    def forget(self) -> None:
        """Another process leads, or led: begin with the grace of H1."""
        self.guards = None
        self._troubles = {}

    def is_in_grace(self, now: datetime) -> bool:
        return self.guards is None or now < self.guards.grace_until

    def tick(self, turn: Clock) -> list[Sequence[Action]]:
        """One look at the fleet. Returns what took effect."""
        now = turn.wall
        fleet = self._read()
        decision = self._decide(fleet, turn)
        done = self._desk.carry_out(decision.changes, now)
        for heal in decision.heals:
            if (actions := self._begin(heal, now)) is not None:
                done.append(actions)
        self._desk.calls.look((node.instance for node in fleet.nodes if node.instance.status in WATCHED), now)
        # Only now: what was reported of a freeze is written, so it is reported once.
        self.guards = decision.guards
        return done

    def _decide(self, fleet: Fleet, turn: Clock) -> Decision:
        times = self._desk.services.settings.heal
        grace = guard.grace(times, fleet.interval)
        memory = self.guards or Guards.fresh(turn.wall, grace)
        memory = guard.after_gap(memory, turn, period=times.check_every, grace=grace)
        return decide(fleet, memory, times, turn.wall, draw=self._draw)

    def _read(self) -> Fleet:
        desk = self._desk
        with desk.database.read() as conn:
            open_heals = heals.under_way(conn)
            known = {each.id: each for each in instances.in_status(conn, WATCHED)}
            known |= instances.by_ids(conn, set(open_heals) - set(known))
            heard = desk.last_contacts(conn)
            history: dict[str, list[Heal]] = {}
            for heal in heals.since(conn, desk.database.now(conn) - _HISTORY):
                history.setdefault(heal.instance_id, []).append(heal)
            known |= instances.by_ids(conn, set(history) - set(known))
            healing_layers = _healing_layers(conn, known.values())
            conflicts = heals.held(conn)
        self._troubles = noted(
            {id: trouble for id, trouble in self._troubles.items() if id in known},
            desk.calls.sightings(known.values()),
        )
        members = [
            Node(
                instance=each,
                heals=all(healing_layers.get(layer, True) for layer in each.layer_ids),
                can_cycle=bool(each.provider) and each.machine_id is not None and _is_ours(each),
                conflict=each.id in conflicts,
                last_contact=heard.get(each.id),
                trouble=self._troubles.get(each.id),
                history=tuple(history.get(each.id, ())),
            )
            for each in known.values()
        ]
        watched = sum(node.instance.status in WATCHED for node in members)
        return Fleet(nodes=tuple(members), interval=desk.interval(watched))

    def _begin(self, heal: StartHeal, now: datetime) -> list[Action] | None:
        """The last look: in the transaction that begins it, nobody was heard since, and all is as it was seen."""
        desk, seen = self._desk, heal.seen
        with desk.leadership.write() as conn:
            heard = desk.last_contacts(conn, [seen.id]).get(seen.id)
            if heard is not None and (heal.last_contact is None or heard > heal.last_contact):
                return None
            begun = Heal(
                id=desk.services.new_id(),
                instance_id=seen.id,
                stack_id=seen.stack_id,
                evidence=heal.evidence,
                started_at=now,
                last_contact_at=heal.last_contact,
            )
            actions = begin_heal(seen, commands.open_of(conn, [seen.id]).get(seen.id, ()), begun, now)
            if not desk.wrote(conn, actions, now):
                return None
        log.warning("healing instance %s (%s evidence)", seen.id, heal.evidence)
        return actions


def _is_ours(instance: Instance) -> bool:
    return instance.infrastructure_class == "ec2"


def _healing_layers(conn: Connection, known: Iterable[Instance]) -> Mapping[str, bool]:
    used = {layer for each in known for layer in each.layer_ids}
    return {id: layer.enable_auto_healing for id, layer in layers.by_ids(conn, used).items()}
