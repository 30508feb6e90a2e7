"""Secrets taken out of a run's output while it streams by (S14).

Recipes mask what they print themselves; this is the net under them, for what the programs print that they start.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

HIDDEN: Final = b"***"
SHORTEST: Final = 6
"""Values with fewer characters are not masked: they would blacken ordinary words."""

_LINE: Final = 16
_PROBE: Final = 4


def forms(value: str) -> set[bytes]:
    """How a secret may show up: plain, URL-encoded, JSON-escaped, base64 at each alignment, and line by line."""
    raw = value.encode("utf-8", "surrogatepass")
    texts = {value, quote(value, safe=""), quote(value), quote_plus(value)}
    texts.add(value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw).decode()
        # What depends on the neighbouring bytes is left out: the rest belongs to the secret alone.
        core = coded[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        if len(core) >= SHORTEST:
            texts |= {core, core.replace("+", "-").replace("/", "_")}
    if "\n" in value:
        texts |= {line for line in value.splitlines() if len(line) >= _LINE and not line.startswith("-----")}
    return {text.encode("utf-8", "surrogatepass") for text in texts}


class StreamMask:
    """Replaces secrets in a stream. Only what may be the beginning of one is held back until the next piece.

    mask = StreamMask(["correct horse"])
    out.write(mask.feed(piece))
    out.write(mask.finish())
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._forms = sorted({form for value in values if len(value) >= SHORTEST for form in forms(value)}, key=len)
        self._forms.reverse()
        self._secret = re.compile(b"|".join(map(re.escape, self._forms)) or b"(?!)")
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
            shown += [data[at : match.start()], HIDDEN]
            at = match.end()
        cut = max(at, keep_from)
        shown.append(data[at:cut])
        self._held = data[cut:]
        return b"".join(shown)

    def finish(self) -> bytes:
        """The rest, at the end of the stream."""
        rest, self._held = self._secret.sub(HIDDEN, self._held), b""
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
