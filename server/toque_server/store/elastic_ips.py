"""Elastic IP addresses in the database.

Whoever changes an address holds the instances that it leaves and goes to (`instances.held`) first, so that everybody
takes locks in one order.
"""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from toque_server.domain.elastic_ip import ElasticIp
from toque_server.store import stacks
from toque_server.store.documents import from_row, to_row
from toque_server.store.tables import elastic_ips

_ORDER = (elastic_ips.c.created_at, elastic_ips.c.ip)


def add(conn: Connection, address: ElasticIp) -> bool:
    """Register an address; says whether it was free to be registered."""
    try:
        with conn.begin_nested():
            conn.execute(sa.insert(elastic_ips).values(to_row(address, elastic_ips)))
    except IntegrityError:
        return False
    stacks.touch(conn, address.stack_id)
    return True


def get(conn: Connection, ip: str) -> ElasticIp | None:
    return by_ips(conn, [ip]).get(ip)


def by_ips(conn: Connection, ips: Collection[str]) -> dict[str, ElasticIp]:
    """By address, oldest first; one that is not registered is left out."""
    return {each.ip: each for each in _load(conn, elastic_ips.c.ip.in_(list(ips)))}


def of_stacks(conn: Connection, stack_ids: Collection[str]) -> list[ElasticIp]:
    return _load(conn, elastic_ips.c.stack_id.in_(list(stack_ids)))


def of_instance(conn: Connection, instance_id: str) -> ElasticIp | None:
    return next(iter(_load(conn, elastic_ips.c.instance_id == instance_id)), None)


def place(conn: Connection, seen: ElasticIp, instance_id: str | None) -> bool:
    """Put the address on an instance, or on none; says whether it still was as it was seen.

    Another address that the instance had is free afterwards.
    """
    if instance_id is not None:
        conn.execute(sa.update(elastic_ips).where(elastic_ips.c.instance_id == instance_id).values(instance_id=None))
    placed = sa.update(elastic_ips).where(*_as(seen)).values(instance_id=instance_id)
    if conn.execute(placed).rowcount != 1:
        return False
    stacks.touch(conn, seen.stack_id)
    return True


def rename(conn: Connection, address: ElasticIp) -> None:
    """Write what people say of it."""
    document = to_row(address, elastic_ips)["document"]
    conn.execute(sa.update(elastic_ips).where(elastic_ips.c.ip == address.ip).values(document=document))


def remove(conn: Connection, seen: ElasticIp) -> bool:
    """Deregister an address; says whether it still was as it was seen."""
    if conn.execute(sa.delete(elastic_ips).where(*_as(seen))).rowcount != 1:
        return False
    stacks.touch(conn, seen.stack_id)
    return True


def _as(seen: ElasticIp) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        elastic_ips.c.ip == seen.ip,
        elastic_ips.c.stack_id == seen.stack_id,
        elastic_ips.c.instance_id.is_not_distinct_from(seen.instance_id),
    )


def _load(conn: Connection, condition: sa.ColumnElement[bool]) -> list[ElasticIp]:
    query = sa.select(elastic_ips).where(condition).order_by(*_ORDER)
    return [from_row(ElasticIp, row, elastic_ips) for row in conn.execute(query)]
