"""The console of a sandbox: a file of the host that PID 1 and what it starts write to, kept short."""

from __future__ import annotations

import os
import time

LIMIT = 1024 * 1024
_KEPT = 256 * 1024


class Console:
    """Lines of PID 1, with the time, on the descriptor that its children share."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def say(self, text: str) -> None:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        os.write(self._descriptor, f"{stamp} toque-init: {text}\n".encode())

    def keep_short(self) -> None:
        """Past 1 MiB only the last 256 KiB stay: a chatty service must not fill the host's disk."""
        size = os.fstat(self._descriptor).st_size
        if size > LIMIT:
            tail = os.pread(self._descriptor, _KEPT, size - _KEPT)
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, tail)  # opened for appending, so that every writer goes on at the new end
