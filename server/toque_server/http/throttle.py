"""How many requests one caller may make: enough for any tool, too few to take the server from the others (R21)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from toque_server.operations.errors import ThrottlingException

_CALLERS = 10_000


class Throttle:
    """A bucket per caller: `rate` requests a second, and `burst` at once after a pause."""

    def __init__(
        self, rate: float = 200.0, burst: float = 400.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: str) -> None:
        """Raises ThrottlingException when this caller had enough for now."""
        now = self._clock()
        with self._lock:
            left, at = self._left.pop(caller, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._rate)
            self._left[caller] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > _CALLERS:
                self._left.popitem(last=False)
        if left < 1:
            raise ThrottlingException(retry_after=max(0.1, (1 - left) / self._rate))
