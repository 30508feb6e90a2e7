"""Hiding secrets in text and in streams of bytes, in every form they may show up in, wherever a stream is cut (S14).

Both sides use it: the run for what its recipes print, the agent for what the programs print that they start, and the
server for what it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final

HIDDEN: Final = "***"

SHORTEST: Final = 4
"""Values with fewer characters are not hidden: they would blacken ordinary words."""

_SHORTEST_CODED: Final = 6
_LINE: Final = 16
_PROBE: Final = 4


def forms(value: str) -> set[str]:
    """How a secret may show up: plain, URL-encoded, JSON-escaped, base64 at each alignment, and line by line."""
    import base64  # both only where there is a secret at all
    from urllib.parse import quote, quote_plus

    raw = value.encode("utf-8", "surrogatepass")
    found = {value, quote(raw, safe=""), quote(raw), quote_plus(raw)}
    found.add(value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).decode()
        # What depends on the neighbouring bytes is left out: the rest belongs to the secret alone.
        core = coded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        if len(core) >= _SHORTEST_CODED:
            found |= {core, core.replace("+", "-").replace("/", "_")}
    if "\n" in value:
        found |= {line for line in value.splitlines() if len(line) >= _LINE and not line.startswith("-----")}
    return found


class Mask:
    """Replaces every form of some secrets by `***`, in text. Where two begin at one place the longer goes first.

    Mask(["correct horse"])("it is correct%20horse") == "it is ***"
    """

    def __init__(self, values: Iterable[str]) -> None:
        known = {form for value in values if len(value) >= SHORTEST for form in forms(value)}
        self.forms = sorted(known, key=lambda form: (-len(form), form))
        self._text = re.compile("|".join(map(re.escape, self.forms))) if self.forms else None

    def __call__(self, text: str) -> str:
        return self._text.sub(HIDDEN, text) if self._text else text

    def blot(self, data: bytes) -> bytes:
        """The same bytes with a `*` for each byte of a secret: for what must keep its length."""
        return self._bytes.sub(lambda found: b"*" * len(found[0]), data) if self.forms else data

    @cached_property
    def _bytes(self) -> re.Pattern[bytes]:
        return _pattern(self.forms)


class StreamMask:
    """Replaces secrets in a stream. Only what may be the beginning of one is held back until the next piece.

    mask = StreamMask(["correct horse"])
    out.write(mask.feed(piece))
    out.write(mask.finish())
    """

    def __init__(self, values: Iterable[str]) -> None:
        known = Mask(values).forms
        self._forms = [_raw(form) for form in known]
        self._secret = _pattern(known)
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """What can be shown for sure by now."""
        if not self._forms:
            return piece
        data = self._held + piece
        keep_from = min((self._beginning_in(data, form) for form in self._forms), default=len(data))
        shown: list[bytes] = []
        at = 0
        for match in self._secret.finditer(data):
            if match.start() >= keep_from:
                break
            shown += [data[at : match.start()], HIDDEN.encode()]
            at = match.end()
        cut = max(at, keep_from)
        shown.append(data[at:cut])
        self._held = data[cut:]
        return b"".join(shown)

    def finish(self) -> bytes:
        """The rest, at the end of the stream."""
        rest, self._held = self._secret.sub(HIDDEN.encode(), self._held), b""
        return rest

    def _beginning_in(self, data: bytes, form: bytes) -> int:
        """Where the end of `data` may be the beginning of this form; the length of `data` when nowhere."""
        at = max(0, len(data) - len(form) + 1)
        while (at := data.find(form[:_PROBE], at)) >= 0:
            if form.startswith(data[at:]):
                return at
            at += 1
        for short in range(min(_PROBE - 1, len(data), len(form) - 1), 0, -1):
            if form.startswith(data[-short:]):
                return len(data) - short
        return len(data)


def _pattern(known: Iterable[str]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(re.escape(_raw(form)) for form in known) or b"(?!)")


def _raw(form: str) -> bytes:
    return form.encode("utf-8", "surrogatepass")
