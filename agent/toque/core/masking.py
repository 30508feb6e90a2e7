"""Hiding secrets in text and in streams of bytes: plain, base64 and URL-encoded, also when split over two chunks."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from typing import TextIO

from toque.core.secret import HIDDEN, known_secrets

MIN_ENVIRONMENT = 4
"""The shortest value of a secret environment variable that is masked."""

MIN_OTHER = 6
"""The shortest of all other secrets. Shorter ones would blacken ordinary words."""


def forms(value: str) -> set[str]:
    """How a secret may show up: as it is, URL-encoded, JSON-escaped, and base64 at each of the three alignments."""
    import base64  # both only where there is a secret at all
    from urllib.parse import quote, quote_plus

    raw = value.encode("utf-8", "surrogatepass")
    found = {value, quote(value, safe=""), quote(value), quote_plus(value)}
    found.add(value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw).decode()
        # The first and last characters depend on the neighbours: what is left belongs to the secret alone.
        start = (shift * 8 + 5) // 6
        whole = (shift + len(raw)) * 8 // 6
        core = text[start:whole]
        if len(core) >= 6:
            found.update((core, core.replace("+", "-").replace("/", "_")))
    if "\n" in value:
        found.update(line for line in value.splitlines() if len(line) >= 16)
    return found


class Mask:
    """Replaces every known form of some secrets by `***`."""

    def __init__(self, values: Iterable[str]) -> None:
        known = {form for value in values for form in forms(value)}
        known.discard("")
        self.longest = max((len(form.encode("utf-8", "surrogatepass")) for form in known), default=0)
        ordered = sorted(known, key=len, reverse=True)
        self._text = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        pattern = b"|".join(re.escape(form.encode("utf-8", "surrogatepass")) for form in ordered)
        self._bytes = re.compile(pattern) if ordered else None

    def __call__(self, text: str) -> str:
        return self._text.sub(HIDDEN, text) if self._text else text

    def spans(self, data: bytes) -> list[tuple[int, int]]:
        return [match.span() for match in self._bytes.finditer(data)] if self._bytes else []


class StreamMask:
    """The same for a stream: what might be the beginning of a secret is held back until the next piece, or `finish()`.

    mask = StreamMask(Mask(secrets))
    out.write(mask.feed(chunk))
    out.write(mask.finish())
    """

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._held = b""

    def feed(self, chunk: bytes) -> bytes:
        """What can be said for sure so far."""
        data = self._held + chunk
        keep_from = max(0, len(data) - max(0, self._mask.longest - 1))
        return self._emit(data, keep_from)

    def finish(self) -> bytes:
        """The rest, at the end of the stream."""
        return self._emit(self._held, len(self._held))

    def _emit(self, data: bytes, upto: int) -> bytes:
        """Everything before `upto`; a match that begins before it and reaches past it goes out masked as a whole."""
        out, at = [], 0
        for start, end in self._mask.spans(data):
            if start >= upto:
                break
            out += [data[at:start], HIDDEN.encode()]
            at = end
        cut = max(at, upto)
        out.append(data[at:cut])
        self._held = data[cut:]
        return b"".join(out)


_mask = Mask(())
_mask_knows = 0


def mask(text: str) -> str:
    """Hide every Secret of this process in a text."""
    return process_mask()(text)


def process_mask() -> Mask:
    """The mask of every Secret of this process that is long enough, made anew only when there are more of them."""
    global _mask, _mask_knows
    known = known_secrets()
    if len(known) != _mask_knows:
        _mask = Mask(value for value in known if len(value) >= MIN_ENVIRONMENT)
        _mask_knows = len(known)
    return _mask


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
