"""How long to wait before the next contact: the server's rhythm, and full jitter after failures (R13, R20)."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

SHORTEST, LONGEST = 1.0, 900.0
_CAPS: Final = (5.0, 900.0)
_CALM: Final = 60.0


def clamp(value: float, low: float, high: float) -> float:
    """`value` inside the bounds; what is no number is the lower one."""
    return low if not value >= low else min(value, high)


@dataclass
class Rhythm:
    """The agent's pace. Times are seconds; `now` is a steady clock."""

    chance: random.Random
    interval: float = 2.0
    cap: float = 60.0
    failures: int = 0
    succeeded_since: float | None = None

    def told(self, interval: float, cap: float) -> None:
        """The server's hints, clamped: they are not signed."""
        self.interval = clamp(interval, SHORTEST, LONGEST)
        self.cap = clamp(cap, *_CAPS)

    def after_success(self, now: float) -> float:
        """Seconds to the next poll, within a tenth of the interval. Failures are forgotten after a calm minute."""
        if self.succeeded_since is None:
            self.succeeded_since = now
        if now - self.succeeded_since >= _CALM:
            self.failures = 0
        return self.interval * self.chance.uniform(0.9, 1.1)

    def after_failure(self, retry_after: float | None = None) -> float:
        """Seconds to the next attempt: U(0, min(cap, 2^n)), on top of what the server asked for."""
        self.succeeded_since = None
        self.failures = min(self.failures + 1, 20)
        floor = 0.0 if retry_after is None else clamp(retry_after, 0.0, LONGEST)
        return floor + self.chance.uniform(0.0, min(self.cap, 2.0**self.failures))

    def at_start(self) -> float:
        """Seconds to the first contact after a restart: a fleet that restarts together does not come together."""
        return self.chance.uniform(0.0, self.interval)
