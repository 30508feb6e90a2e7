"""What the agent wants its server's people to know: said with the next poll, and in the service's log."""

from __future__ import annotations

import logging
import threading
from typing import Final

_MOST: Final = 20
_LONGEST: Final = 500
log = logging.getLogger("toque.agent")


class Problems:
    """Texts of the form `word: detail`. Each is kept until a poll has brought it to the server."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: list[str] = []

    def add(self, text: str) -> None:
        text = text[:_LONGEST]
        log.warning("%s", text)
        with self._guard:
            if text not in self._waiting and len(self._waiting) < _MOST:
                self._waiting.append(text)

    def waiting(self) -> tuple[str, ...]:
        with self._guard:
            return tuple(self._waiting)

    def delivered(self, texts: tuple[str, ...]) -> None:
        with self._guard:
            self._waiting = [each for each in self._waiting if each not in texts]
