"""How often a node calls (ruling 5): the poll is the heartbeat, so this is also how fast silence is noticed."""

from __future__ import annotations

import msgspec

JITTER = 0.10
"""Each answer is moved by up to this share, so that a fleet that started together drifts apart."""


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """What an installation is sized for. Intervals are seconds between two polls of one node.

    `busy` holds for a node that has a command, or whose stack has a deployment under way.
    """

    per_second: float
    shortest: float = 2.0
    longest: float = 60.0
    busy: float = 1.0


def interval(rhythm: Rhythm, nodes: int, *, busy: bool) -> float:
    """Seconds until the next poll, before jitter.

    >>> interval(Rhythm(per_second=1000.0), 30_000, busy=False)
    30.0
    """
    idle = min(max(nodes / rhythm.per_second, rhythm.shortest), rhythm.longest)
    return min(rhythm.busy, idle) if busy else idle


def jittered(seconds: float, chance: float) -> float:
    """`seconds` moved by ±10 %; `chance` is a random number from 0 to 1."""
    return seconds * (1.0 - JITTER + 2.0 * JITTER * chance)


def backoff_cap(rhythm: Rhythm, nodes: int) -> float:
    """The longest back-off in seconds that agents should use after an outage (R20): 60 s, to 300 s in large fleets."""
    return min(max(1.3 * nodes / rhythm.per_second, 60.0), 300.0)


def retry_after(rhythm: Rhythm, nodes: int, chance: float) -> int:
    """Whole seconds for a `Retry-After`, spread between 5 s and what it takes to serve everybody once (R20, R21)."""
    return round(5.0 + chance * max(5.0, 1.3 * nodes / rhythm.per_second - 5.0))
