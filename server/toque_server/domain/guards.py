"""What keeps healing from doing harm: when the server doubts itself, and how fast it may act (security.md 3.4, H1–H8).

Two kinds of knowledge come together. Memory that the leader keeps and loses with its process: since when it listens,
whether it is frozen, when it last took a turn; losing it is harmless because a new leader begins with the grace of H1.
And history, read from the heals themselves, so that no crash makes anybody forget that a node was healed three times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Final

import msgspec
from msgspec.structs import replace

from toque_server.domain.actions import Evidence, Heal, Outcome
from toque_server.domain.instance import Instance
from toque_server.settings import HealTimes

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(minutes=60)
_DAY: Final = timedelta(hours=24)
_NEVER_UNDER: Final = timedelta(seconds=300)


class Clock(msgspec.Struct, frozen=True):
    """The time of one turn, told twice: by the wall, and by a clock that nobody can set (seconds)."""

    wall: datetime
    steady: float


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """The leader's memory between two turns. Make the first with `Guards.fresh`."""

    listening_since: datetime
    """Silence is counted from here at the earliest: before it we were not there to hear."""
    grace_until: datetime
    stack_grace: Mapping[str, datetime] = {}
    frozen: bool = False
    frozen_stacks: frozenset[str] = frozenset()
    last_turn: Clock | None = None

    @classmethod
    def fresh(cls, now: datetime, grace: timedelta) -> Guards:
        """After a server start or a change of leader."""
        return cls(listening_since=now, grace_until=now + grace)


def silent_after(times: HealTimes, interval: timedelta) -> timedelta:
    """From when on an instance counts as silent: 5 intervals and a minute, and never under 300 s (ruling 5).

    An operator who sets less than 300 s means it: then only 3 intervals are a floor.
    """
    if times.silent_after < _NEVER_UNDER:
        return max(times.silent_after, 3 * interval)
    return max(times.silent_after, 5 * interval + _MINUTE)


def late_after(times: HealTimes, interval: timedelta) -> timedelta:
    """From when on an instance is late: the first sign, by which the server doubts itself before it acts."""
    return min(3 * interval + timedelta(seconds=15), silent_after(times, interval) / 2)


def grace(times: HealTimes, interval: timedelta) -> timedelta:
    """G of H1."""
    return times.grace if times.grace < _NEVER_UNDER else max(times.grace, silent_after(times, interval))


def after_gap(guards: Guards, turn: Clock, *, period: timedelta, grace: timedelta) -> Guards:
    """Note this turn; begin a grace if we were away for more than 3 periods, or the clocks have drifted apart (H1).

    A database outage is such a gap: without a database there is no turn.
    """
    last = guards.last_turn
    guards = replace(guards, last_turn=turn)
    if last is None:
        return guards
    passed = timedelta(seconds=turn.steady - last.steady)
    drift = abs((turn.wall - last.wall) - passed)
    if passed > 3 * period + _PATIENCE or drift > timedelta(seconds=30):
        return replace(guards, listening_since=turn.wall, grace_until=turn.wall + grace)
    return guards


_PATIENCE: Final = timedelta(seconds=5)
"""A turn on a busy machine may take this long without anything being wrong."""


def is_fleet_frozen(late: int, nodes: int, times: HealTimes) -> bool:
    """H2: so many are late that it is probably us."""
    return late >= max(times.fleet_late, ceil(times.fleet_share * nodes))


def is_stack_frozen(late: int, nodes: int, times: HealTimes) -> bool:
    """H3: the same for one stack."""
    return late >= times.stack_late and late >= times.stack_share * nodes


def thawed(guards: Guards, frozen: bool, stacks: frozenset[str], now: datetime, grace: timedelta) -> Guards:
    """The memory with what is frozen now; the end of a freeze begins a grace, where it was frozen (H1)."""
    until = now + grace if guards.frozen and not frozen else guards.grace_until
    waiting = {stack: at for stack, at in guards.stack_grace.items() if at > now}
    waiting |= dict.fromkeys(guards.frozen_stacks - stacks, now + grace)
    return replace(guards, grace_until=until, stack_grace=waiting, frozen=frozen, frozen_stacks=stacks)


def breaker_open_until(heals: Iterable[Heal], times: HealTimes) -> datetime | None:
    """H5: until when no soft heal starts, or None.

    Failures are counted since the newest soft success; each doubles the pause. Whoever made contact was a success,
    whatever its recipes did then.
    """
    failures = 0
    until: datetime | None = None
    for heal in sorted(_ended(heals, Evidence.SOFT), key=lambda each: each[0]):
        at, outcome = heal
        if outcome in (Outcome.HEALED, Outcome.SETUP_FAILED):
            failures, until = 0, None
        elif outcome is Outcome.NO_CONTACT:
            failures += 1
            until = at + min(times.breaker * 2 ** (failures - 1), times.breaker_longest)
    return until


def had_soft_success(heals: Iterable[Heal], now: datetime, times: HealTimes) -> bool:
    """H4: whether healing the silent is known to work at present."""
    return any(
        outcome is Outcome.HEALED and now - at <= times.canary_for for at, outcome in _ended(heals, Evidence.SOFT)
    )


def _ended(heals: Iterable[Heal], evidence: Evidence) -> list[tuple[datetime, Outcome]]:
    return [
        (heal.ended_at, heal.outcome)
        for heal in heals
        if heal.ended_at is not None and heal.outcome is not None and heal.evidence is evidence
    ]


def most_in_flight(nodes: int, times: HealTimes) -> int:
    """H6: heals under way in one stack."""
    return max(1, int(times.in_flight_share * nodes))


def most_per_minute(nodes: int, times: HealTimes) -> int:
    """H7: heals begun in the fleet within a minute."""
    return max(1, ceil(times.rate_share * nodes))


def started_lately(heals: Iterable[Heal], now: datetime) -> int:
    return sum(now - heal.started_at < _MINUTE for heal in heals)


def own_history(instance: Instance, heals: Collection[Heal]) -> list[Heal]:
    """The heals that count against this instance, oldest first.

    Where its newest start was not a heal's, a person has acted since, and what came before is forgiven.
    """
    booted = instance.booted_at
    by_hand = booted is not None and all(heal.machine_started_at != booted for heal in heals)
    counting = [
        heal for heal in heals if heal.ended_at is None or not by_hand or booted is None or booted <= heal.ended_at
    ]
    return sorted(counting, key=lambda heal: heal.started_at)


def is_exhausted(history: Collection[Heal], last_contact: datetime | None, now: datetime, times: HealTimes) -> bool:
    """H8: healed so often that healing does not help.

    It stays so until the instance was in contact for an hour after the last of them, or a person restarted it.
    """
    starts = sorted(heal.started_at for heal in history if now - heal.started_at <= _DAY)
    if len(starts) < min(times.per_hour, times.per_day):
        return False
    in_an_hour = len(starts) >= times.per_hour and starts[-1] - starts[-times.per_hour] <= _HOUR
    if not in_an_hour and len(starts) < times.per_day:
        return False
    ended = max((heal.ended_at for heal in history if heal.ended_at is not None), default=None)
    return ended is None or last_contact is None or last_contact - ended < _HOUR


def spaced_until(history: Collection[Heal], now: datetime, times: HealTimes) -> datetime | None:
    """H8: the earliest time for the next heal of this instance, or None when it was not healed within a day."""
    starts = [heal.started_at for heal in history if now - heal.started_at <= _DAY]
    return max(starts) + times.spacing * 2 ** (len(starts) - 1) if starts else None
