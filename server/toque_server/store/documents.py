"""Records as rows: the fields that have a column go there, the rest into the JSON `document`, secrets into `sealed`."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Row, Table

from toque_server.security.envelope import Vault

R = TypeVar("R", bound=msgspec.Struct)


def to_row(record: msgspec.Struct, table: Table) -> dict[str, Any]:
    """The values of `record` for its row, `document` included; `sealed` is not among them."""
    columns, rest = _fields(type(record), table)
    document = {name: getattr(record, name) for name in rest}
    return {name: getattr(record, name) for name in columns} | {"document": msgspec.json.encode(document).decode()}


def from_row(kind: type[R], row: Row[Any], table: Table) -> R:
    """The record that `to_row` wrote. A field that the document does not know yet has its default (R25)."""
    columns, _ = _fields(kind, table)
    values = dict(row._mapping)
    document: dict[str, Any] = msgspec.json.decode(values["document"])
    return msgspec.convert(document | {name: values[name] for name in columns}, kind, builtin_types=(datetime,))


@cache
def _fields(kind: type[msgspec.Struct], table: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = kind.__struct_fields__
    columns = tuple(name for name in names if name in table.c)
    return columns, tuple(name for name in names if name not in table.c)


def seal(secrets: msgspec.Struct, vault: Vault, table: Table, *, row: str, scope: str) -> bytes | None:
    """The sealed column for `secrets`; None when there is nothing to seal."""
    plain = msgspec.json.encode(secrets)
    return None if plain == b"{}" else vault.seal(plain, table=table.name, row=row, column="sealed", scope=scope)


def unseal(kind: type[R], sealed: bytes | None, vault: Vault, table: Table, *, row: str, scope: str) -> R:
    if sealed is None:
        return kind()
    return msgspec.json.decode(
        vault.open(bytes(sealed), table=table.name, row=row, column="sealed", scope=scope), type=kind
    )
