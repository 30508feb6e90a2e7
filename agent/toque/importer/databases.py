"""Where the databases of a dump are: entries of the server's directory, which stacks look at when they register one."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from toque.importer.dump import Record
from toque.importer.notes import Notes

_PORTS: Final = (
    ("aurora-postgresql", 5432),
    ("aurora", 3306),
    ("mysql", 3306),
    ("mariadb", 3306),
    ("postgres", 5432),
    ("oracle", 1521),
    ("sqlserver", 1433),
)
"""By the beginning of the engine's name: OpsWorks never told the port."""


class Entry(NamedTuple):
    arn: str
    address: str
    port: int
    engine: str

    def members(self) -> dict[str, Any]:
        """As PutDatabase takes it."""
        return {"RdsDbInstanceArn": self.arn, "Address": self.address, "Port": self.port, "Engine": self.engine}


def entry_of(record: Record, notes: Notes) -> Entry | None:
    """The entry of a registered database; None, and a remark, where the dump does not say enough."""
    arn, engine = record["RdsDbInstanceArn"], (record.get("Engine") or "").lower()
    thing, address = f"database {arn}", record.get("Address")
    port = next((number for name, number in _PORTS if engine.startswith(name)), None)
    if not address or port is None:
        said = f"the dump does not say where it is: `toque database add {arn} --address … --port … --engine …`"
        notes.to_do(thing, f"{said}, then deregister and register it")
        return None
    notes.to_do(thing, f"the directory has it at {address}, port {port} (a guess): `toque database add` puts it right")
    return Entry(arn, address, port, engine)
