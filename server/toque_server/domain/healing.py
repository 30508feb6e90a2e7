"""Autohealing decides here, and only decides: who is lost, back, healed or waiting (03 § 9, 10 R14–R18).

An instance whose agent is silent, or whose provider says twice that its machine is down, leaves online and is stopped
and started again, or replaced. Healing is the dangerous half: a fault of our own, or of the network between, looks just
like a dead fleet. So silence is doubted first (H1–H3: the instance stays as it is), then rationed (H4–H8: it is
`connection_lost` and waits). The provider's word passes the doubts but not the ration. Ruling 17 says which status is
shown when.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Final

import msgspec
from msgspec.structs import replace

from toque_server.domain import guards as guard
from toque_server.domain.actions import Action, AddServiceError, EndHeal, Evidence, Heal, Move, Outcome, Report
from toque_server.domain.guards import Guards
from toque_server.domain.instance import MOVES, Instance, Status, move
from toque_server.domain.lifecycle import DOWN, Sighting
from toque_server.domain.transitions import changed, ended_heal
from toque_server.settings import HealTimes

_S = Status

WATCHED: Final = frozenset(
    {
        _S.ONLINE,
        _S.RUNNING_SETUP,
        _S.SETUP_FAILED,
        _S.REGISTERED,
        _S.REGISTERING,
        _S.ASSIGNING,
        _S.UNASSIGNING,
        _S.CONNECTION_LOST,
    }
)
"""Statuses in which an agent is expected to call."""

_OLD_LOSS: Final = timedelta(hours=1)
"""A node lost for longer than this is known to be lost; it says nothing about us any more."""

WAITS: Final = "healing waits: "


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """The provider calls a machine down: since when without contradiction, and when it last said so."""

    since: datetime
    last: datetime
    detail: str = ""


def noted(troubles: Mapping[str, Trouble], sightings: Mapping[str, Sighting]) -> dict[str, Trouble]:
    """The troubles after another poll of the provider. A machine that it did not speak of is as it was."""
    now_known = dict(troubles)
    for id, sighting in sightings.items():
        if sighting.state not in DOWN:
            now_known.pop(id, None)
        elif (known := now_known.get(id)) is None:
            now_known[id] = Trouble(since=sighting.at, last=sighting.at, detail=sighting.detail or sighting.state)
        elif sighting.at > known.last:
            now_known[id] = replace(known, last=sighting.at)
    return now_known


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One instance of the fleet, and what speaks for and against healing it.

    `heals`: every one of its layers does. `can_cycle`: there is a provider that can stop and start its machine.
    `history`: its heals of the last day and more, ended ones too.
    """

    instance: Instance
    heals: bool = True
    can_cycle: bool = True
    conflict: bool = False
    last_contact: datetime | None = None
    trouble: Trouble | None = None
    history: tuple[Heal, ...] = ()

    @property
    def heard_at(self) -> datetime:
        return self.last_contact or self.instance.booted_at or self.instance.since

    @property
    def is_awaited(self) -> bool:
        """It was registered, and its machine has not joined yet: nobody can have lost it."""
        return self.instance.status is _S.REGISTERING and self.instance.booted_at is None and self.last_contact is None


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """Every instance of the installation (those outside WATCHED only for their open heals), and its poll interval."""

    nodes: tuple[Node, ...]
    interval: timedelta


class StartHeal(msgspec.Struct, frozen=True):
    """Heal this instance, unless the last look (H10) finds it other than it was `seen`."""

    seen: Instance
    evidence: Evidence
    last_contact: datetime | None


class Decision(msgspec.Struct, frozen=True):
    """`changes`: lists of actions, each of which takes effect or not by itself. `heals`: what begins now."""

    changes: tuple[list[Action], ...]
    heals: tuple[StartHeal, ...]
    guards: Guards


def decide(fleet: Fleet, guards: Guards, times: HealTimes, now: datetime, *, draw: Random) -> Decision:
    """One look at the whole fleet. `draw` orders those with equal evidence, so that nobody is last for ever (H9)."""
    watched = [node for node in fleet.nodes if node.instance.status in WATCHED and not node.is_awaited]
    guards, reports = _doubts(watched, fleet, guards, times, now)
    changes = [*reports, *_upkeep(fleet.nodes, times, now), *_returns(watched, now)]
    doubted = _Doubt(guards, now)
    silent = guard.silent_after(times, fleet.interval)
    lost: list[tuple[Node, Evidence]] = []
    for node in watched:
        if is_hard(node, times, now):
            lost.append((node, Evidence.HARD))
        elif silence(node, guards, now) > silent and node.trouble is None and not doubted.about(node):
            lost.append((node, Evidence.SOFT))
    candidates: list[tuple[Node, Evidence]] = []
    for node, evidence in lost:
        refusal, telling = _refusal(node, times, now)
        if _was_online(node) and refusal is None:
            candidates.append((node, evidence))
        elif _S.CONNECTION_LOST is not node.instance.status:
            changes.append([*_lose(node, refusal or "its agent is silent", now), *telling])
        elif refusal is not None and telling and node.instance.reason != refusal:
            changes.append([Move(node.instance, replace(node.instance, reason=refusal)), *telling])
    heals, waiting = _ration(candidates, fleet, watched, times, now, draw)
    changes += [change for node, why in waiting if (change := _wait(node, why, now))]
    return Decision(tuple(changes), tuple(heals), guards)


def silence(node: Node, guards: Guards, now: datetime) -> timedelta:
    """How long nobody heard it, as far as we were there to hear."""
    return now - max(node.heard_at, guards.listening_since)


def is_hard(node: Node, times: HealTimes, now: datetime) -> bool:
    """The provider said twice, far enough apart, that the machine is down, and nobody heard its agent since."""
    trouble = node.trouble
    return (
        trouble is not None
        and trouble.since >= (node.instance.booted_at or node.instance.created_at)
        and trouble.last - trouble.since >= times.hard_gap
        and now - trouble.since >= times.hard_wait
        and (node.last_contact is None or node.last_contact <= trouble.since)
    )


class _Doubt:
    """H1 to H3: whether silence may mean us and not them."""

    def __init__(self, guards: Guards, now: datetime) -> None:
        self._all = now < guards.grace_until or guards.frozen
        self._stacks = guards.frozen_stacks | {id for id, until in guards.stack_grace.items() if now < until}

    def about(self, node: Node) -> bool:
        return self._all or node.instance.stack_id in self._stacks


def _doubts(
    watched: Sequence[Node], fleet: Fleet, guards: Guards, times: HealTimes, now: datetime
) -> tuple[Guards, list[list[Action]]]:
    """What is frozen now (H2, H3), with one event where a freeze begins or ends."""
    limit = guard.late_after(times, fleet.interval)
    late, nodes = Counter[str](), Counter[str]()
    for node in watched:
        quiet = silence(node, guards, now)
        if node.instance.status is _S.CONNECTION_LOST and quiet > _OLD_LOSS:
            continue
        nodes[node.instance.stack_id] += 1
        late[node.instance.stack_id] += quiet > limit and node.trouble is None
    frozen = guard.is_fleet_frozen(late.total(), nodes.total(), times)
    stacks = frozenset(id for id in late if guard.is_stack_frozen(late[id], nodes[id], times))
    reports: list[list[Action]] = []
    if frozen is not guards.frozen:
        reports.append([_freeze_event(frozen, late.total(), nodes.total(), "the fleet")])
    reports += [
        [_freeze_event(id in stacks, late[id], nodes[id], f"stack {id}", stack_id=id)]
        for id in sorted(stacks ^ guards.frozen_stacks)
    ]
    return guard.thawed(guards, frozen, stacks, now, guard.grace(times, fleet.interval)), reports


def _freeze_event(frozen: bool, late: int, nodes: int, whom: str, stack_id: str | None = None) -> Report:
    if frozen:
        message = (
            f"healing of silent instances in {whom} is frozen: {late} of {nodes} are late, which looks like the network"
            " or this server; heal named instances by hand if they are really lost"
        )
        return Report(kind="healing.frozen", message=message, stack_id=stack_id, data={"late": late, "nodes": nodes})
    return Report(kind="healing.thawed", message=f"healing of silent instances in {whom} goes on", stack_id=stack_id)


def _upkeep(nodes: Iterable[Node], times: HealTimes, now: datetime) -> Iterable[list[Action]]:
    """End heals that came to nothing: no contact in time (H5), or the instance went another way."""
    for node in nodes:
        seen = node.instance
        for heal in node.history:
            if heal.ended_at is not None:
                continue
            if seen.heal_id != heal.id:
                yield [EndHeal(heal.id, Outcome.CANCELLED)]
            elif (
                heal.machine_started_at is not None
                and now - heal.machine_started_at > times.no_contact_after
                and seen.status in (_S.REQUESTED, _S.PENDING, _S.BOOTING)
            ):
                yield [Move(seen, replace(seen, heal_id=None)), EndHeal(heal.id, Outcome.NO_CONTACT)]


def _returns(watched: Iterable[Node], now: datetime) -> Iterable[list[Action]]:
    """A lost instance that calls again is what it was before (I-8, I-9)."""
    for node in watched:
        seen = node.instance
        if seen.status is not _S.CONNECTION_LOST or node.last_contact is None or node.last_contact <= seen.since:
            continue
        back = seen.previous if seen.previous in MOVES[_S.CONNECTION_LOST] else _S.RUNNING_SETUP
        yield changed(seen, move(seen, back or _S.RUNNING_SETUP, at=now))


def _was_online(node: Node) -> bool:
    """Healing starts only from online, or from having left it to wait for its turn (I-13, ruling 17)."""
    seen = node.instance
    return seen.status is _S.ONLINE or (seen.status is _S.CONNECTION_LOST and seen.previous is _S.ONLINE)


def _refusal(node: Node, times: HealTimes, now: datetime) -> tuple[str | None, list[Action]]:
    """Why it is not healed at all, and what people are told of it; None: it may be."""
    seen = node.instance
    if not node.can_cycle:
        return "its agent is silent, and no provider can restart its machine", []
    if not node.heals:
        return "its agent is silent, and one of its layers has healing switched off", []
    if node.conflict:
        return "two machines use its key: choose one before it can be healed", []
    history = guard.own_history(seen, node.history)
    if not guard.is_exhausted(history, node.last_contact, now, times):
        return None, []
    reason = "healed too often without lasting success: start it again by hand when its cause is found"
    message = f"{seen.hostname} is not healed any more: {len(history)} heals did not help"
    telling: list[Action] = [
        AddServiceError(stack_id=seen.stack_id, instance_id=seen.id, type="auto_healing", message=message),
        Report(kind="heal.exhausted", message=message, stack_id=seen.stack_id, instance_id=seen.id),
    ]
    return reason, telling


def _lose(node: Node, reason: str, now: datetime) -> list[Action]:
    lost = changed(node.instance, move(node.instance, _S.CONNECTION_LOST, at=now, reason=reason))
    return ended_heal(lost, Outcome.SETUP_FAILED)


def _wait(node: Node, why: str, now: datetime) -> list[Action]:
    """Out of online while it waits; the reason is rewritten only when it is another one."""
    seen, reason = node.instance, f"{WAITS}{why}"
    if seen.status is _S.ONLINE:
        return _lose(node, reason, now)
    return [Move(seen, replace(seen, reason=reason))] if seen.reason != reason else []


def _ration(
    candidates: Iterable[tuple[Node, Evidence]],
    fleet: Fleet,
    watched: Sequence[Node],
    times: HealTimes,
    now: datetime,
    draw: Random,
) -> tuple[list[StartHeal], list[tuple[Node, str]]]:
    """Who is healed now, and who waits for what (H4 to H9)."""
    queue = sorted(candidates, key=lambda each: (each[1] is Evidence.SOFT, draw.random()))
    heals = [heal for node in fleet.nodes for heal in node.history]
    ration = _Ration(heals, watched, sum(evidence is Evidence.SOFT for _, evidence in queue), times, now)
    started: list[StartHeal] = []
    waiting: list[tuple[Node, str]] = []
    for node, evidence in queue:
        until = guard.spaced_until(guard.own_history(node.instance, node.history), now, times)
        if until is not None and now < until:
            waiting.append((node, "it was healed a short while ago"))
        elif (why := ration.refuses(node.instance, evidence)) is not None:
            waiting.append((node, why))
        else:
            ration.take(node.instance, evidence)
            started.append(StartHeal(node.instance, evidence, node.last_contact))
    return started, waiting


class _Ration:
    """What the guards H4 to H7 still allow in this turn."""

    def __init__(
        self, heals: Sequence[Heal], watched: Sequence[Node], soft: int, times: HealTimes, now: datetime
    ) -> None:
        under_way = [heal for heal in heals if heal.ended_at is None]
        members = Counter(node.instance.stack_id for node in watched) + Counter(heal.stack_id for heal in under_way)
        self._members, self._times = members, times
        self._in_flight = Counter(heal.stack_id for heal in under_way)
        self._soft_under_way = sum(heal.evidence is Evidence.SOFT for heal in under_way)
        self._canary = soft + self._soft_under_way >= times.canary and not guard.had_soft_success(heals, now, times)
        opens = guard.breaker_open_until(heals, times)
        self._broken = opens is not None and now < opens
        self._left = guard.most_per_minute(members.total(), times) - guard.started_lately(heals, now)

    def refuses(self, seen: Instance, evidence: Evidence) -> str | None:
        if self._left <= 0:
            return "as many as allowed were begun within the last minute"
        if self._in_flight[seen.stack_id] >= guard.most_in_flight(self._members[seen.stack_id], self._times):
            return "as many as allowed are under way in this stack"
        if evidence is Evidence.HARD:
            return None
        if self._broken:
            return "the last instances healed for silence did not come back"
        if self._canary and self._soft_under_way:
            return "many are silent, so they are healed one at a time until one comes back"
        return None

    def take(self, seen: Instance, evidence: Evidence) -> None:
        self._left -= 1
        self._in_flight[seen.stack_id] += 1
        self._soft_under_way += evidence is Evidence.SOFT
