"""How many requests one caller may make: enough for any tool, too few to take the server from the others (R21)."""

from __future__ import annotations

import time
from collections.abc import Callable

from toque_server.operations.errors import ThrottlingException
from toque_server.operations.rationing import Ration


class Throttle:
    """`rate` requests a second for each caller, and `burst` at once after a pause."""

    def __init__(
        self, rate: float = 200.0, burst: float = 400.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ration = Ration(rate, burst, clock=clock)

    def take(self, caller: str) -> None:
        """Raises ThrottlingException when this caller had enough for now."""
        if wait := self._ration.take(caller):
            raise ThrottlingException(retry_after=max(0.1, wait))
