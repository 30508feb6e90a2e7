"""A run's log on disk: masked, and never more than its first and last ten mebibytes (R11)."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from toque.protocol.masking import StreamMask

HEAD_BYTES: Final = 10 << 20
TAIL_BYTES: Final = 10 << 20


class Log:
    """Append what a run prints to the file at `path`. What exceeds the head is kept as a ring and written by `close()`.

    On a full disk output is dropped and `lost` says how much: the run goes on (R12).
    """

    def __init__(
        self, path: Path, masked: Iterable[str] = (), *, head: int = HEAD_BYTES, tail: int = TAIL_BYTES
    ) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._mask = StreamMask(masked)
        self._room = head - os.fstat(self._file).st_size
        self._most = tail
        self._ring: deque[bytes] = deque()
        self._ring_size = 0
        self._dropped = 0
        self.lost = 0

    def write(self, piece: bytes) -> None:
        self._keep(self._mask.feed(piece))

    def close(self) -> None:
        """Write what was held back, with a note where something is missing, and sync the file."""
        self._keep(self._mask.finish())
        if self._dropped:
            self._append(f"\n[toque: {self._dropped} bytes of output are not kept here]\n".encode())
        for piece in self._ring:
            self._append(piece)
        try:
            os.fsync(self._file)
        except OSError:
            pass
        os.close(self._file)

    def _keep(self, data: bytes) -> None:
        if self._room > 0:
            self._append(data[: self._room])
            rest = data[self._room :]
            self._room -= len(data) - len(rest)
            data = rest
        if data:
            self._ring.append(data)
            self._ring_size += len(data)
        while self._ring_size > self._most:
            first = self._ring.popleft()
            excess = min(len(first), self._ring_size - self._most)
            self._dropped += excess
            self._ring_size -= excess
            if excess < len(first):
                self._ring.appendleft(first[excess:])

    def _append(self, data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._file, left) :]
        except OSError:
            self.lost += len(left)
