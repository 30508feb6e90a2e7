"""Who is let in when there is more than the server can do (R21, S23): decided before any signature is checked."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from toque.protocol import messages

RESERVED = 0.2
"""Share of the places that only results and acknowledgements may take."""

_FIRST = frozenset({messages.RESULT_PATH, messages.ACK_PATH})


class Bucket:
    """Lets `rate` requests a second pass, and `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self._tokens, self._at = burst, time.monotonic()

    def take(self) -> bool:
        now = time.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class Admission:
    """`places`: requests that may be under way at once in this process.

    `limits` maps a path to its bucket; by default only enrolments are counted, at 10 a second after a burst of 50. At
    most `downloads` bundles are sent at a time.
    """

    def __init__(self, places: int, *, limits: Mapping[str, Bucket] | None = None, downloads: int = 8) -> None:
        self._limits = dict(limits) if limits is not None else {messages.ENROL_PATH: Bucket(10.0, 50.0)}
        self._places = places
        self._common = max(1, int(places * (1.0 - RESERVED)))
        self._downloads = downloads
        self._inside = 0
        self._sending = 0
        self._lock = threading.Lock()

    def enter(self, path: str) -> bool:
        """Take a place for a request to `path`; False: send it away. Each True wants one `leave()`."""
        with self._lock:
            if self._inside >= (self._places if path in _FIRST else self._common):
                return False
            bucket = self._limits.get(path)
            if bucket is not None and not bucket.take():
                return False
            if path == messages.BUNDLE_PATH:
                if self._sending >= self._downloads:
                    return False
                self._sending += 1
            self._inside += 1
            return True

    def leave(self, path: str) -> None:
        with self._lock:
            self._inside -= 1
            if path == messages.BUNDLE_PATH:
                self._sending -= 1
