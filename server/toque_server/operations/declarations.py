"""What clients need to know of every operation, as plain data: `toque/cli/operations.json` is made of it.

python -m toque_server.operations.declarations > agent/toque/cli/operations.json

    {"structures": {"AppSource": {"Type": "=git|archive|s3|other", "Url": "string", …}, …},
     "operations": {"CreateApp": {"target": …, "subject": "apps", "help": …, "permission": "manage", "changes": true,
                                  "errors": […], "members": {"StackId": "string!", …}, "answer": {"AppId": "string!"}}}}

A type is one short text: `string integer number boolean any`, `=a|b` for a choice, `[T]` a list, `{T}` a map from
strings, a capitalised name for a structure; `!` behind it says required, `?` that null is a value. `answer` is null for
operations that answer nothing.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from msgspec import inspect

from toque_server.operations import registry
from toque_server.operations.registry import Operation


def declarations() -> dict[str, Any]:
    """Every operation by name, and the structures that their members are made of."""
    operations = sorted(registry.load().items())
    names = _names([op for _, op in operations])
    return {
        "structures": {names[cls]: _members(cls, names) for cls in sorted(names, key=lambda cls: names[cls])},
        "operations": {name: _declaration(op, names) for name, op in operations},
    }


def text() -> str:
    """`declarations()` as the file has it: one line per member, and no more."""
    return json.dumps(declarations(), indent=1, ensure_ascii=False) + "\n"


def _declaration(op: Operation, names: dict[type, str]) -> dict[str, Any]:
    return {
        "target": op.target,
        "subject": op.run.__module__.rpartition(".")[2],
        "help": op.description,
        "permission": op.permission.value,
        "changes": op.changes,
        "errors": [error.code for error in op.raises],
        "members": _members(op.request, names),
        "answer": None if op.result is None else _members(op.result, names),
    }


def _members(cls: type, names: dict[type, str]) -> dict[str, str]:
    # A result says None for what is not there, and None is left out on the wire.
    return {
        field.encode_name: _text(field.type, names) + "!" * (field.required and not _nullable(field.type))
        for field in _fields(cls)
    }


def _fields(cls: type) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    return info.fields


def _text(kind: inspect.Type, names: dict[type, str]) -> str:
    match kind:
        case inspect.Metadata(type=inner):
            return _text(inner, names)
        case inspect.UnionType(types=types):
            return _text(_without_none(types), names)
        case inspect.StructType(cls=cls):
            return names[cls]
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return f"[{_text(item, names)}]"
        case inspect.DictType(value_type=value):
            return f"{{{_text(value, names)}{'?' * _nullable(value)}}}"
        case inspect.LiteralType(values=values):
            return "=" + "|".join(map(str, values))
        case inspect.EnumType(cls=enum):
            return "=" + "|".join(str(each.value) for each in enum)
    return _SIMPLE.get(type(kind), "string")


_SIMPLE: dict[type, str] = {
    inspect.BoolType: "boolean",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.AnyType: "any",
}


def _without_none(types: tuple[inspect.Type, ...]) -> inspect.Type:
    """What is left of a union. Of several kinds (`str | int`) nothing can be said but that it is a value."""
    rest = [each for each in types if not isinstance(each, inspect.NoneType)]
    return rest[0] if len(rest) == 1 else inspect.AnyType()


def _nullable(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.UnionType) and any(isinstance(each, inspect.NoneType) for each in kind.types)


def _names(operations: list[Operation]) -> dict[type, str]:
    """A name for each structure: that of its class, with its subject in front where two that differ have the same."""
    found = dict.fromkeys(
        cls for op in operations for root in (op.request, op.result) if root is not None for cls in _within(root)
    )
    alike: dict[str, list[type]] = defaultdict(list)
    for cls in found:
        alike[cls.__name__.removesuffix("View")].append(cls)
    return {cls: name if len(same) == 1 else _subject(cls) + name for name, same in alike.items() for cls in same}


def _within(cls: type) -> Iterator[type]:
    """The structures inside of this one, itself left out."""
    for field in _fields(cls):
        yield from _structures(field.type)


def _structures(kind: inspect.Type) -> Iterator[type]:
    match kind:
        case inspect.Metadata(type=inner):
            yield from _structures(inner)
        case inspect.UnionType(types=types):
            yield from _structures(_without_none(types))
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            yield from _structures(item)
        case inspect.DictType(value_type=value):
            yield from _structures(value)
        case inspect.StructType(cls=cls):
            yield cls
            yield from _within(cls)


def _subject(cls: type) -> str:
    return "".join(part.title() for part in cls.__module__.rpartition(".")[2].split("_"))


if __name__ == "__main__":
    sys.stdout.write(text())
