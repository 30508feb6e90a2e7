"""Changing one value in a configuration file: one module per format, each with `edited(text, keys, value)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toque.core.errors import ToqueError

ABSENT = object()
"""As a value: take the key out."""


class CannotEdit(ToqueError):
    """A file in which this value cannot be changed without losing something; the text says why."""


def with_value(data: Any, keys: Sequence[str], value: Any) -> Any:
    """A copy of nested mappings with one value set or taken out. Raises CannotEdit where the way is no mapping."""
    if not isinstance(data, dict):
        raise CannotEdit(f"what stands above {keys[0]!r} is not a table of keys, but {data!r}")
    key, *rest = keys
    made = dict(data)
    if not rest:
        if value is ABSENT:
            made.pop(key, None)
        else:
            made[key] = value
        return made
    if value is ABSENT and made.get(key) is None:
        return made
    made[key] = with_value({} if made.get(key) is None else made[key], rest, value)
    return made


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of one type, all the way down: `1`, `1.0` and `true` differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str) and isinstance(other, str):
        return one == other
    return type(one) is type(other) and bool(one == other or (one != one and other != other))


def plain(value: Any) -> Any:
    """A value of plain types, so that each writer knows it: a Secret is its text, a tuple a list."""
    if isinstance(value, str):
        return "".join(value)
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
