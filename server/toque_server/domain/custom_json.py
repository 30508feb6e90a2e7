"""Custom JSON: a JSON object as text, kept byte for byte (chapter 01 § 7, chapter 06 § 5)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from toque_server.domain.invalid import Invalid
from toque_server.domain.nesting import DEEPEST, is_deeper

LIMIT: Final = 120 * 1024
"""Longest custom JSON, in bytes of UTF-8 (S-17)."""

RESERVED_BAGS: Final = ("aws_opsworks_", "opsworks_")
"""Data bags with these prefixes are the server's own (S-18)."""


def parse(text: str, *, member: str = "CustomJson") -> dict[str, Any]:
    """The object that `text` holds. Raises Invalid when it is too long, not JSON, or not an object.

    >>> parse('{"a": 1}')
    {'a': 1}
    """
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        raise Invalid(f"{member} is not valid Unicode text") from None
    if len(raw) > LIMIT:
        raise Invalid(f"{member} is too large: {len(raw)} bytes, the maximum is {LIMIT} bytes (120 KB)")
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        raise Invalid(_TOO_DEEP.format(member=member)) from None
    except ValueError as error:
        raise Invalid(f"{member} is not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise Invalid(f'{member} must be a JSON object such as {{"key": "value"}}, not {_kind(value)}')
    if is_deeper(value):
        raise Invalid(_TOO_DEEP.format(member=member))
    _check_bags(value, member)
    return value


def _check_bags(value: dict[str, Any], member: str) -> None:
    opsworks = value.get("opsworks")
    bags = opsworks.get("data_bags") if isinstance(opsworks, dict) else None
    if bags is None:
        return
    if not isinstance(bags, dict):
        raise Invalid(f"{member}: opsworks.data_bags must be an object of bags")
    for bag in bags:
        check_bag_name(bag, member=f"{member}: opsworks.data_bags")


def check_bag_name(bag: str, *, member: str = "Bag") -> None:
    if bag.startswith(RESERVED_BAGS):
        raise Invalid(f"{member}: a data bag may not be called {bag!r}: names with {_PREFIXES} belong to the server")


_PREFIXES: Final = " or ".join(RESERVED_BAGS)
_TOO_DEEP: Final = f"{{member}} is nested deeper than {DEEPEST} levels"
_KINDS: Final = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "null")
