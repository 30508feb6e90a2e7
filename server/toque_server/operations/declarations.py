"""What the command line needs to know of every operation, as plain data: `toque/cli/operations.json` is made of it.

python -m toque_server.operations.declarations > agent/toque/cli/operations.json
"""

from __future__ import annotations

import json
import sys
from typing import Any

from msgspec import inspect

from toque_server.operations import registry
from toque_server.operations.registry import Operation


def declarations() -> dict[str, Any]:
    """Each operation by name: its target, what it is for, and its members with their types."""
    return {name: _declaration(op) for name, op in sorted(registry.load().items())}


def text() -> str:
    return json.dumps(declarations(), indent=1, ensure_ascii=False) + "\n"


def _declaration(op: Operation) -> dict[str, Any]:
    return {
        "target": op.target,
        "help": op.description,
        "permission": op.permission.value,
        "members": _members(op.request),
    }


def _members(cls: type) -> dict[str, Any]:
    info = inspect.type_info(cls)
    assert isinstance(info, inspect.StructType)
    return {
        field.encode_name: _type(field.type) | ({"required": True} if field.required else {}) for field in info.fields
    }


def _type(kind: inspect.Type) -> dict[str, Any]:
    match kind:
        case inspect.Metadata(type=inner):
            return _type(inner)
        case inspect.UnionType(types=types):
            return _type(next(each for each in types if not isinstance(each, inspect.NoneType)))
        case inspect.StructType(cls=cls):
            return {"type": "structure", "members": _members(cls)}
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item):
            return {"type": "list", "of": _type(item)}
        case inspect.DictType(value_type=value):
            return {"type": "map", "of": _type(value)}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.IntType():
            return {"type": "integer"}
        case inspect.FloatType():
            return {"type": "number"}
        case inspect.LiteralType(values=values):
            return {"type": "string", "choices": list(values)}
        case inspect.AnyType():
            return {"type": "any"}
        case _:
            return {"type": "string"}


if __name__ == "__main__":
    sys.stdout.write(text())
