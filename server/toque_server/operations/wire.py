"""From JSON to a request and from a result to JSON, strictly; errors name the member (chapter 09, sections 2 and 6)."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import inspect

from toque_server.operations.errors import ValidationException

T = TypeVar("T")

Clearable = Annotated[str | None, msgspec.Meta(extra={"clearable": True})]
"""An optional text in which "" is a value: it clears what was there."""

_ABSENT = object()
# What the CLI's skeleton writes into a map; people leave it there (chapter 09, section 6).
_SKELETON_KEY = "KeyName"
_WIDEST = 1 << 63


def decode(kind: type[T], raw: object) -> T:
    """A request from what a client sent. Raises ValidationException, which names the member by its wire path."""
    wanted = inspect.type_info(kind)
    assert isinstance(wanted, inspect.StructType)
    cleaned = _struct(wanted, raw, "")
    try:
        return msgspec.convert(cleaned, kind)
    except msgspec.ValidationError as error:
        raise ValidationException(str(error).replace("`$.", "`")) from None


_PLAIN = frozenset({str, int, float, bool, type(None)})


def encode(value: Any) -> Any:
    """Builtin values for JSON: struct members that are None are left out, None inside a mapping stays."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if isinstance(value, msgspec.Struct):
        made: dict[str, Any] = {}
        wires, members = _members(type(value))
        for wire, each in zip(wires, members(value), strict=True):
            if each is not None:
                # Not encode(each): ten thousand instances have two hundred thousand plain members.
                made[wire] = each if type(each) in _PLAIN else encode(each)
        return made
    if isinstance(value, Mapping):
        return {str(key): encode(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [encode(each) for each in value]
    if isinstance(value, Enum):
        return value.value
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


@cache
def _members(kind: type[msgspec.Struct]) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The wire names of a struct's members, and what reads them all at once."""
    fields = kind.__struct_fields__
    if len(fields) > 1:
        return kind.__struct_encode_fields__, attrgetter(*fields)
    return kind.__struct_encode_fields__, lambda value: tuple(getattr(value, name) for name in fields)


def _struct(kind: inspect.StructType, raw: object, path: str) -> dict[str, Any]:
    if not isinstance(raw, Mapping):
        raise ValidationException(f"{path or 'the request'} must be an object, not {_said(raw)}", field=path or None)
    fields = _fields(kind)
    for unknown in (name for name in raw if name not in fields):
        raise _unknown(kind, path, str(unknown), list(fields))
    kept: dict[str, Any] = {}
    for name, field in fields.items():
        here = f"{path}.{name}" if path else name
        value = _value(field.type, raw.get(name, _ABSENT), here, required=field.required)
        if value is not _ABSENT:
            kept[name] = value
        elif field.required:
            raise _missing(raw, name, here)
    return kept


def _missing(raw: Mapping[str, Any], name: str, here: str) -> ValidationException:
    if raw.get(name) is None:
        return ValidationException(f"{here} is required", field=here)
    return ValidationException(f"{here} is required, and is empty", field=here)


def _unknown(kind: inspect.StructType, path: str, name: str, known: list[str]) -> ValidationException:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    here = f"{path}.{name}" if path else name
    hint = f" (did you mean {near[0]}?)" if near else ""
    return ValidationException(f"{path or kind.cls.__name__} has no {name}{hint}", field=here)


def _value(kind: inspect.Type, raw: Any, path: str, *, required: bool) -> Any:
    """The value without what counts as absent; _ABSENT when nothing is left. Raises where the type is wrong."""
    if raw is _ABSENT or raw is None:
        return _ABSENT
    if raw == "" and not _is_clearable(kind):
        return _ABSENT
    if raw == 0 and path == "MaxResults" and raw is not False:
        return _ABSENT
    kind, _ = _without_none(kind)
    if isinstance(kind, inspect.StructType):
        return _struct(kind, raw, path)
    if isinstance(kind, inspect.ListType | inspect.SetType | inspect.VarTupleType | inspect.FrozenSetType):
        return _list(kind, raw, path)
    if isinstance(kind, inspect.DictType):
        return _map(kind, raw, path)
    _check(kind, raw, path)
    return raw


def _list(kind: Any, raw: Any, path: str) -> Any:
    if not isinstance(raw, list | tuple):
        raise ValidationException(f"{path} must be a list, not {_said(raw)}", field=path)
    if raw and all(each == "" for each in raw):
        return _ABSENT
    for nothing, name in ((None, "null"), ("", "empty")):
        if nothing in raw:
            here = f"{path}[{raw.index(nothing)}]"
            raise ValidationException(f"{here} may not be {name}", field=here)
    values = [_value(kind.item_type, each, f"{path}[{n}]", required=True) for n, each in enumerate(raw)]
    return ["" if value is _ABSENT else value for value in values]


def _map(kind: inspect.DictType, raw: Any, path: str) -> Any:
    if not isinstance(raw, Mapping):
        raise ValidationException(f"{path} must be an object, not {_said(raw)}", field=path)
    kept: dict[str, Any] = {}
    for key, value in raw.items():
        if key == _SKELETON_KEY and value in ("", [""], None):
            continue
        _check(kind.key_type, key, f"the key {key!r} of {path}")
        inner = _value(kind.value_type, value, f"{path}.{key}", required=True)
        # Within a map the key is the statement; what stands under it, "" and null included, is its value.
        kept[key] = value if inner is _ABSENT else inner
    return kept


def _check(kind: inspect.Type, raw: Any, path: str) -> None:
    kind, _ = _without_none(kind)
    choices = _choices(kind)
    if choices is not None:
        if raw not in choices:
            raise ValidationException(f"{path} must be one of {', '.join(choices)}; it is {_said(raw)}", field=path)
        return
    wanted, fits = _SIMPLE.get(type(kind), ("", lambda _: True))
    if not fits(raw):
        raise ValidationException(f"{path} must be {wanted}, not {_said(raw)}", field=path)
    if isinstance(raw, int) and not -_WIDEST <= raw < _WIDEST:
        raise ValidationException(f"{path} is out of range: an integer has at most 64 bits", field=path)
    if isinstance(raw, str) and "\0" in raw:
        # No file name, no variable of an environment and no text of PostgreSQL can hold one.
        raise ValidationException(f"{path} may not contain NUL characters", field=path)


def _choices(kind: inspect.Type) -> list[str] | None:
    if isinstance(kind, inspect.EnumType):
        return [each.value for each in kind.cls]
    return [str(each) for each in kind.values] if isinstance(kind, inspect.LiteralType) else None


_SIMPLE: dict[type, tuple[str, Any]] = {
    inspect.StrType: ("a string", lambda raw: isinstance(raw, str)),
    inspect.BoolType: ("true or false", lambda raw: isinstance(raw, bool)),
    inspect.IntType: ("an integer", lambda raw: isinstance(raw, int) and not isinstance(raw, bool)),
    inspect.FloatType: ("a number", lambda raw: isinstance(raw, int | float) and not isinstance(raw, bool)),
}


def _is_clearable(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.Metadata) and bool((kind.extra or {}).get("clearable"))


def _without_none(kind: inspect.Type) -> tuple[inspect.Type, bool]:
    if isinstance(kind, inspect.Metadata):
        return _without_none(kind.type)
    if isinstance(kind, inspect.UnionType):
        rest = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        if len(rest) == 1:
            return rest[0], len(rest) < len(kind.types)
    return kind, False


@cache
def _fields_of(cls: type) -> dict[str, inspect.Field]:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    return {field.encode_name: field for field in info.fields}


def _fields(kind: inspect.StructType) -> dict[str, inspect.Field]:
    return _fields_of(kind.cls)


def _said(raw: object) -> str:
    """What was sent, as briefly as can be recognised; never a long value, which may be a secret."""
    match raw:
        case bool():
            return "true" if raw else "false"
        case str():
            return repr(raw) if len(raw) <= 40 else "a long string"
        case int() | float():
            return str(raw)
        case None:
            return "null"
        case Mapping():
            return "an object"
        case list() | tuple():
            return "a list"
    return type(raw).__name__
