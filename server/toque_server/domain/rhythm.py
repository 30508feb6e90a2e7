"""How often a node calls (ruling 5): the poll is the heartbeat, so this is also how fast silence is noticed."""

from __future__ import annotations

SHORTEST = 2.0
"""Seconds between two polls of an idle node in a small fleet."""

LONGEST = 60.0
"""Seconds between two polls of an idle node in the largest fleet."""

BUSY = 1.0
"""Seconds between two polls of a node that has a command, or whose stack has a deployment under way."""

JITTER = 0.10
"""Each answer is moved by up to this share, so that a fleet that started together drifts apart."""


def interval(nodes: int, contacts_per_second: float, *, busy: bool) -> float:
    """Seconds until the next poll, before jitter. `contacts_per_second` is what the installation is sized for.

    >>> interval(10, 1000.0, busy=False), interval(30_000, 1000.0, busy=False), interval(30_000, 1000.0, busy=True)
    (2.0, 30.0, 1.0)
    """
    if busy:
        return BUSY
    return min(max(nodes / contacts_per_second, SHORTEST), LONGEST)


def jittered(seconds: float, chance: float) -> float:
    """`seconds` moved by ±10 %; `chance` is a random number from 0 to 1."""
    return seconds * (1.0 - JITTER + 2.0 * JITTER * chance)


def backoff_cap(nodes: int, contacts_per_second: float) -> float:
    """The longest back-off in seconds that agents should use after an outage (R20): 60 s, to 300 s in large fleets."""
    return min(max(1.3 * nodes / contacts_per_second, 60.0), 300.0)


def retry_after(nodes: int, contacts_per_second: float, chance: float) -> int:
    """Whole seconds for a `Retry-After`, spread between 5 s and what it takes to serve everybody once (R20, R21)."""
    return round(5.0 + chance * max(5.0, 1.3 * nodes / contacts_per_second - 5.0))
