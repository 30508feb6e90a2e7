"""The OpenAPI 3.1 document, read off the declarations."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from toque_server.http.problems import STATUS
from toque_server.operations.errors import OperationError
from toque_server.operations.registry import Operation, load

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
            "default": _problem("Anything else"),
        },
    }
    described["responses"].update({str(STATUS.get(kind, 400)): _problem(_meaning(kind)) for kind in op.raises})
    return described


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
