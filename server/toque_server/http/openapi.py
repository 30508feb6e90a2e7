"""The OpenAPI 3.1 document, read off the declarations."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
from msgspec import inspect

from toque_server.http.problems import STATUS
from toque_server.operations.errors import OperationError
from toque_server.operations.registry import Operation, load

_ANY = {
    "400": "The request cannot be carried out as it stands",
    "401": "The token is missing, unknown or expired",
    "403": "The caller may not do this",
    "413": "The request is too large",
    "429": "The caller asks too much: wait as long as Retry-After says",
    "500": "The server failed; its log has the reason under the request's id",
    "503": "The database does not answer: nothing was changed",
    "507": "The server's disk is full: nothing was changed",
}
"""What any operation may answer."""

_REF = "#/components/schemas/{name}"
_PROBLEM = {
    "type": "object",
    "description": "What went wrong (RFC 9457). `code` is stable, `detail` is for people.",
    "required": ["title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "field": {"type": "string", "description": "The path of the member that is wrong"},
        "request_id": {"type": "string"},
    },
}


def document(public_url: str) -> dict[str, Any]:
    """The whole document; `public_url` is where clients reach this server."""
    operations = sorted(load().values(), key=lambda op: op.name)
    types = [kind for op in operations for kind in (op.request, op.result) if kind is not None]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = dict(zip(types, schemas, strict=True))
    _tell_what_answers_leave_out(operations, components)
    _tell_what_counts_as_absent(operations, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Toque",
            "version": _version(),
            "description": "Every operation is one POST: a JSON object goes in, a JSON object comes out.",
        },
        "servers": [{"url": public_url}],
        "security": [{"token": []}],
        "paths": {f"/api/{op.name}": {"post": _operation(op, schema_of)} for op in operations},
        "components": {
            "schemas": {**components, "Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(op: Operation, schema_of: dict[type[Any], dict[str, Any]]) -> dict[str, Any]:
    result = {"type": "object"} if op.result is None else schema_of[op.result]
    described: dict[str, Any] = {
        "operationId": op.name,
        "summary": op.summary,
        "description": op.description,
        "tags": [op.run.__module__.rpartition(".")[2]],
        "x-permission": str(op.permission),
        "x-target": op.target,
        "requestBody": {"content": {"application/json": {"schema": schema_of[op.request]}}},
        "responses": {
            "200": {"description": "Done", "content": {"application/json": {"schema": result}}},
            **{status: _problem(meaning) for status, meaning in _ANY.items()},
        },
    }
    described["responses"].update({str(STATUS.get(kind, 400)): _problem(_meaning(kind)) for kind in op.raises})
    return described


def _tell_what_answers_leave_out(operations: Sequence[Operation], components: dict[str, Any]) -> None:
    """In an answer a member that has no value is not there, and a time is RFC 3339's: the types do not say so."""
    asked = _structs([op.request for op in operations])
    for name, kind in _structs([op.result for op in operations if op.result is not None]).items():
        schema = components[name]
        if name in asked:
            # The same type goes in and out: what is said here would be said of requests too.
            continue
        for each in kind.fields:
            given = schema["properties"][each.encode_name]
            if isinstance(each.type, inspect.UnionType) and each.type.includes_none:
                schema["required"] = [known for known in schema.get("required", ()) if known != each.encode_name]
            if any(isinstance(one, inspect.DateTimeType) for one in (each.type, *getattr(each.type, "types", ()))):
                given |= {"format": "date-time"} if "type" in given else {}
                for one in given.get("anyOf", ()):
                    one |= {"format": "date-time"} if one.get("type") == "string" else {}


def _tell_what_counts_as_absent(operations: Sequence[Operation], components: dict[str, Any]) -> None:
    """An empty text and null count as absent: required texts have a character, and what may be left out may be null."""
    for name, kind in _structs([op.request for op in operations]).items():
        properties = components[name]["properties"]
        for each in kind.fields:
            if each.required and isinstance(each.type, inspect.StrType):
                properties[each.encode_name]["minLength"] = 1
            if not each.required and "type" in properties[each.encode_name]:
                said = properties[each.encode_name]
                properties[each.encode_name] = {"anyOf": [said, {"type": "null"}]}
                if "default" in said:
                    properties[each.encode_name]["default"] = said.pop("default")


def _structs(types: Sequence[type[Any]]) -> dict[str, inspect.StructType]:
    """These types and all that are within them, by the name of their component."""
    found: dict[str, inspect.StructType] = {}
    todo: list[Any] = [inspect.type_info(each) for each in types]
    while todo:
        kind = todo.pop()
        if isinstance(kind, inspect.StructType):
            if kind.cls.__name__ not in found:
                found[kind.cls.__name__] = kind
                todo += [each.type for each in kind.fields]
        else:
            within = ("type", "types", "item_type", "item_types", "value_type")
            for inner in (getattr(kind, name, ()) for name in within):
                todo += inner if isinstance(inner, tuple) else [inner]
    return found


def _problem(meaning: str) -> dict[str, Any]:
    schema = {"$ref": _REF.format(name="Problem")}
    return {"description": meaning, "content": {"application/problem+json": {"schema": schema}}}


def _meaning(kind: type[OperationError]) -> str:
    return (kind.__doc__ or kind.__name__).partition("\n")[0]


def _version() -> str:
    try:
        return version("toque")
    except PackageNotFoundError:
        # Run from a checkout that was never installed.
        return "0"
