"""How much one caller may take: a bucket each, that fills again with time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_CALLERS = 10_000


class Ration:
    """`rate` a second, and `burst` at once after a pause; the callers that were not heard longest are forgotten.

    ration = Ration(rate=1.0, burst=100.0)
    if not ration.take(arn): ...            # 0.0: taken; else the seconds until there is something to take
    """

    def __init__(self, rate: float, burst: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: str) -> float:
        """Take one; answers 0.0, or for how many seconds this caller has had enough."""
        now = self._clock()
        with self._lock:
            left, at = self._left.pop(caller, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._rate)
            self._left[caller] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > _CALLERS:
                self._left.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) / self._rate
