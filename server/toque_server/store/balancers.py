"""Load balancers attached to layers, in the database."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.balancer import Balancer
from toque_server.store import stacks
from toque_server.store.documents import from_row, to_row
from toque_server.store.tables import balancers

_ORDER = (balancers.c.region, balancers.c.name)


def add(conn: Connection, balancer: Balancer) -> None:
    """Attach it. Raises IntegrityError when the balancer or the layer has another already."""
    conn.execute(sa.insert(balancers).values(to_row(balancer, balancers)))
    stacks.touch(conn, balancer.stack_id)


def get(conn: Connection, region: str, name: str) -> Balancer | None:
    query = sa.select(balancers).where(balancers.c.region == region, balancers.c.name == name)
    row = conn.execute(query).one_or_none()
    return None if row is None else from_row(Balancer, row, balancers)


def of_layers(conn: Connection, layer_ids: Collection[str]) -> dict[str, Balancer]:
    """By layer id; a layer without a balancer is left out."""
    query = sa.select(balancers).where(balancers.c.layer_id.in_(list(layer_ids))).order_by(*_ORDER)
    return {row.layer_id: from_row(Balancer, row, balancers) for row in conn.execute(query)}


def of_stack(conn: Connection, stack_id: str) -> list[Balancer]:
    query = sa.select(balancers).where(balancers.c.stack_id == stack_id).order_by(*_ORDER)
    return [from_row(Balancer, row, balancers) for row in conn.execute(query)]


def update(conn: Connection, balancer: Balancer) -> None:
    """Write what was learnt of an attached balancer, such as its DNS name."""
    same = (balancers.c.region == balancer.region, balancers.c.name == balancer.name)
    conn.execute(sa.update(balancers).where(*same).values(to_row(balancer, balancers)))
    stacks.touch(conn, balancer.stack_id)


def remove(conn: Connection, balancer: Balancer) -> None:
    """Detach it."""
    same = (balancers.c.region == balancer.region, balancers.c.name == balancer.name)
    conn.execute(sa.delete(balancers).where(*same))
    stacks.touch(conn, balancer.stack_id)
