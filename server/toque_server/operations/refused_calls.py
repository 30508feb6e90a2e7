"""Which refused calls are recorded: all that people make, and not so many that they could fill the disk (07 § 9)."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from toque_server.operations.rationing import Ration

_CALLERS = 10_000


class RefusedCalls:
    """One per server process: each caller's refused calls, and how many of them were too many to record."""

    def __init__(self, rate: float = 1.0, burst: float = 100.0, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ration = Ration(rate, burst, clock=clock)
        self._left_out: OrderedDict[str, int] = OrderedDict()
        self._lock = threading.Lock()

    def due(self, caller: str) -> int | None:
        """None: this one is left out. Else record it, and that so many before it were left out."""
        wait = self._ration.take(caller)
        with self._lock:
            before = self._left_out.pop(caller, 0)
            if not wait:
                return before
            self._left_out[caller] = before + 1
            if len(self._left_out) > _CALLERS:
                self._left_out.popitem(last=False)
        return None
