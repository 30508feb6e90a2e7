"""What a run itself says, with every Secret of its process hidden."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from toque.core.secret import know_instead, known_secrets
from toque.protocol.masking import Mask

_mask = Mask(())
_mask_knows = 0


def mask(text: str) -> str:
    """Hide every Secret of this process in a text."""
    return process_mask()(text)


def process_mask() -> Mask:
    """The mask of every Secret of this process, made anew only when there are more of them."""
    global _mask, _mask_knows
    known = known_secrets()
    if len(known) != _mask_knows:
        _mask = Mask(known)
        _mask_knows = len(known)
    return _mask


@contextmanager
def secrets_apart() -> Iterator[None]:
    """Know no secret at first, and afterwards those of before: for tests, of which many share a process."""
    global _mask_knows
    before, _mask_knows = know_instead(()), -1
    try:
        yield
    finally:
        know_instead(before)
        _mask_knows = -1


class MaskedText(io.TextIOBase):
    """Standard output of a run: each line is masked with all that is secret by the time the line is complete."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._line = ""

    def write(self, text: str) -> int:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._out.write(mask(line) + "\n")
        return len(text)

    def line(self, text: str) -> None:
        """A whole line of our own, masked already; what somebody left unfinished before it gets its line first."""
        if self._line:
            self.write("\n")
        self._out.write(text + "\n")

    def flush(self) -> None:
        if self._line:
            self._out.write(mask(self._line))
            self._line = ""
        self._out.flush()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"

    def fileno(self) -> int:
        return self._out.fileno()

    def isatty(self) -> bool:
        return False
