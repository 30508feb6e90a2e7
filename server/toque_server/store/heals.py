"""Heals in the database: what healing did, and what it has under way; at most one open heal per instance (H10)."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from toque_server.domain.actions import Evidence, Heal, Outcome
from toque_server.store.tables import heals, node_keys
from toque_server.store.upsert import insert_into

_FIELDS: Final = tuple(heals.c[name] for name in Heal.__struct_fields__)


def _heal(row: Row[Any]) -> Heal:
    values = dict(row._mapping)
    outcome = values["outcome"]
    return Heal(
        **values | {"evidence": Evidence(values["evidence"]), "outcome": None if outcome is None else Outcome(outcome)}
    )


def open(conn: Connection, heal: Heal) -> bool:
    """Write a heal that begins. False if the instance has an open one."""
    values = {name: getattr(heal, name) for name in Heal.__struct_fields__} | {"evidence": heal.evidence.value}
    # RETURNING, for PostgreSQL's driver does not count the rows of such an insert.
    opened = insert_into(conn, heals).values(values).on_conflict_do_nothing().returning(heals.c.id)
    return conn.execute(opened).first() is not None


def machine_started(conn: Connection, id: str, at: datetime) -> None:
    conn.execute(sa.update(heals).where(heals.c.id == id, heals.c.ended_at.is_(None)).values(machine_started_at=at))


def end(conn: Connection, id: str, outcome: Outcome, at: datetime) -> bool:
    """Close a heal; False if it was closed before: the first outcome stands."""
    closed = sa.update(heals).where(heals.c.id == id, heals.c.ended_at.is_(None))
    return conn.execute(closed.values(outcome=outcome.value, ended_at=at)).rowcount == 1


def get(conn: Connection, id: str) -> Heal | None:
    row = conn.execute(sa.select(*_FIELDS).where(heals.c.id == id)).one_or_none()
    return None if row is None else _heal(row)


def since(conn: Connection, at: datetime) -> list[Heal]:
    """All that are open, and those that began since then, oldest first."""
    query = sa.select(*_FIELDS).where(sa.or_(heals.c.ended_at.is_(None), heals.c.started_at >= at))
    return [_heal(row) for row in conn.execute(query.order_by(heals.c.started_at, heals.c.id))]


def of_instance(conn: Connection, instance_id: str) -> list[Heal]:
    """Newest first."""
    query = sa.select(*_FIELDS).where(heals.c.instance_id == instance_id)
    return [_heal(row) for row in conn.execute(query.order_by(heals.c.started_at.desc(), heals.c.id))]


def under_way(conn: Connection) -> list[str]:
    """The ids of instances that have an open heal."""
    return list(conn.execute(sa.select(heals.c.instance_id).where(heals.c.ended_at.is_(None))).scalars())


def held(conn: Connection) -> frozenset[str]:
    """The ids of instances whose key two machines use: they are not healed (S11)."""
    return frozenset(conn.execute(sa.select(node_keys.c.instance_id).where(node_keys.c.conflict)).scalars())


def drop_before(conn: Connection, at: datetime) -> int:
    """Forget heals that ended before then; says how many."""
    return conn.execute(sa.delete(heals).where(heals.c.ended_at < at)).rowcount
