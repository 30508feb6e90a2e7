"""What a JSON body of an agent may not be: one that two readers could read differently, or that nests without end.

The decoder of a message takes the last of two equal keys, and skips what it does not know however deep it is
(security.md 2.6).
"""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

import msgspec

from toque_server.domain.nesting import is_deeper

T = TypeVar("T")

DEEPEST: Final = 32
"""Objects and arrays within one another, the outermost counted."""


class NotStrict(ValueError):
    """The body has a key twice, or is nested too deep; the message says which."""


def decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """The message in a body. Raises ValueError: what is no such message, NotStrict included.

    What is encoded again to the same bytes has no key twice and nothing that the message does not know: so all bodies
    of our own agents pass by a comparison, a poll in a microsecond.
    """
    try:
        found = decoder.decode(body)
    except RecursionError:
        raise _TOO_DEEP from None
    if msgspec.json.encode(found) != body:
        check(body)
    return found


def check(body: bytes) -> None:
    """Raise NotStrict for duplicate keys and for more than 32 levels. Raises ValueError for what is no JSON."""
    try:
        value = _DECODER.decode(body.decode("utf-8"))
    except RecursionError:
        raise _TOO_DEEP from None
    # Fewer opening brackets than that cannot nest deeper: no need to look.
    if body.count(b"{") + body.count(b"[") > DEEPEST and is_deeper(value, DEEPEST):
        raise _TOO_DEEP


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotStrict(f"the key {twice[:80]!r} stands twice in one object")
    return made


_TOO_DEEP = NotStrict(f"the body is nested deeper than {DEEPEST} levels")
_DECODER = json.JSONDecoder(object_pairs_hook=_unique)
