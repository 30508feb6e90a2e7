"""Canonical JSON: one value has one spelling, so that it can be hashed and signed."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec


def canonical(value: Any) -> bytes:
    """The canonical JSON of `value`: keys sorted, no spaces, UTF-8, numbers as Python writes them.

    `value` may hold message structs. NaN and infinities, lone surrogates and things JSON has no word for raise
    ValueError or TypeError.

        canonical({"b": 1, "a": "é"}) == b'{"a":"\\xc3\\xa9","b":1}'
    """
    plain = msgspec.to_builtins(value)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
