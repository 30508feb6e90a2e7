"""Event streams hold a thread each, so a process serves only so many; past that a page asks again by itself (D19)."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Streams:
    """The streams that are open in this process. `stopping`: set when they are to end."""

    def __init__(self, *, most: int, stopping: threading.Event) -> None:
        self.most, self.stopping = most, stopping
        self._open = 0
        self._lock = threading.Lock()

    def take(self) -> Callable[[], None] | None:
        """A place, as the function that gives it back (once; more often does nothing). None where all are taken."""
        with self._lock:
            if self._open >= self.most or self.stopping.is_set():
                return None
            self._open += 1
        given_back = threading.Event()

        def give_back() -> None:
            with self._lock:
                if not given_back.is_set():
                    given_back.set()
                    self._open -= 1

        return give_back
