"""Values that a plan does not know: what only the run itself would tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Unknown(str):
    """An output that is known only after apply. It reads `(known after apply)`, in any text it is put into as well."""

    __slots__ = ("of",)
    TEXT = "(known after apply)"
    of: str

    def __new__(cls, of: str) -> Unknown:
        unknown = super().__new__(cls, cls.TEXT)
        unknown.of = of
        return unknown

    def __repr__(self) -> str:
        return self.TEXT


def unknowns_in(value: Any) -> bool:
    """Whether an output that is known only after apply went into a value, as such or within a text."""
    if isinstance(value, str):
        return Unknown.TEXT in value
    if isinstance(value, bytes):
        return Unknown.TEXT.encode() in value
    if isinstance(value, Mapping):
        return any(map(unknowns_in, value.values()))
    return isinstance(value, list | tuple) and any(map(unknowns_in, value))
