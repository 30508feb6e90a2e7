"""Registration identities: who may bring one machine into one stack, for a quarter of an hour (chapter 08 § 10.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from toque_server.security.envelope import Vault
from toque_server.store.tables import registration_groups, registrations

_SCOPE: Final = "installation"


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """One identity. Until it is in the group of a stack it belongs to none; without `allowed` it gets no key.

    `machine` is the fingerprint of the machine that has registered with it: from then on it is of no use to others.
    """

    name: str
    stack_id: str | None = None
    created_at: datetime
    created_by: str
    allowed: bool = False
    access_key_id: str | None = None
    expires_at: datetime
    machine: str | None = None


def _from_row(row: Row[Any]) -> Registration:
    return Registration(**{name: getattr(row, name) for name in Registration.__struct_fields__})


def add(conn: Connection, registration: Registration) -> None:
    conn.execute(insert(registrations).values(msgspec.structs.asdict(registration)))


def get(conn: Connection, name: str) -> Registration | None:
    row = conn.execute(select(registrations).where(registrations.c.name == name)).one_or_none()
    return None if row is None else _from_row(row)


def change(conn: Connection, seen: Registration, new: Registration) -> None:
    """Write what changed of an identity that this transaction has read."""
    values = {name: value for name, value in msgspec.structs.asdict(new).items() if value != getattr(seen, name)}
    if values:
        conn.execute(update(registrations).where(registrations.c.name == seen.name).values(values))


def set_key(conn: Connection, vault: Vault, name: str, *, access_key_id: str, secret: str, until: datetime) -> None:
    """Give it its access key, with which it may be used until then."""
    sealed = vault.seal(secret.encode(), table="registrations", row=name, column="sealed", scope=_SCOPE)
    values = {"access_key_id": access_key_id, "sealed": sealed, "expires_at": until}
    conn.execute(update(registrations).where(registrations.c.name == name).values(values))


def by_access_key(conn: Connection, vault: Vault, access_key_id: str, now: datetime) -> tuple[Registration, str] | None:
    """Whose key it is, and its secret; None where there is none, or its time is over."""
    wanted = select(registrations).where(
        registrations.c.access_key_id == access_key_id, registrations.c.expires_at > now
    )
    if (row := conn.execute(wanted).one_or_none()) is None:
        return None
    secret = vault.open(bytes(row.sealed), table="registrations", row=row.name, column="sealed", scope=_SCOPE)
    return _from_row(row), secret.decode()


def use(conn: Connection, name: str, machine: str) -> bool:
    """Let this machine (a fingerprint) register with it: the first one, and the same one again. False for any other.

    Call it in the transaction that makes the instance:

        if ctx.caller.registers is not None and not registrations.use(ctx.conn, ctx.caller.name, machine=fingerprint):
            raise ValidationException("this key has registered another machine already: ask for a new one")
    """
    mine = (registrations.c.machine.is_(None)) | (registrations.c.machine == machine)
    used = conn.execute(update(registrations).where(registrations.c.name == name, mine).values(machine=machine))
    return used.rowcount == 1


def prune(conn: Connection, now: datetime) -> int:
    """Forget identities whose time is over, so that their names are free again; returns how many."""
    return conn.execute(delete(registrations).where(registrations.c.expires_at <= now)).rowcount


def add_group(conn: Connection, name: str, *, stack_id: str, at: datetime) -> None:
    conn.execute(insert(registration_groups).values(name=name, stack_id=stack_id, created_at=at))


def has_group(conn: Connection, name: str) -> bool:
    wanted = select(registration_groups.c.name).where(registration_groups.c.name == name)
    return conn.execute(wanted).first() is not None
