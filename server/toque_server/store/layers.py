"""Layers in the database."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.layer import Layer, LayerSecrets
from toque_server.security.envelope import Vault
from toque_server.store import stacks
from toque_server.store.documents import from_row, seal, to_row, unseal
from toque_server.store.tables import attributes, data_bag_items, instance_layers, instances, layers

_ORDER = (layers.c.created_at, layers.c.id)


def add(conn: Connection, vault: Vault, layer: Layer, secrets: LayerSecrets) -> None:
    sealed = seal(secrets, vault, layers, row=layer.id, scope=layer.stack_id)
    conn.execute(sa.insert(layers).values(**to_row(layer, layers), sealed=sealed))
    stacks.touch(conn, layer.stack_id)


def get(conn: Connection, id: str) -> Layer | None:
    return by_ids(conn, [id]).get(id)


def by_ids(conn: Connection, ids: Collection[str]) -> dict[str, Layer]:
    """By id, oldest first; an id that does not exist is left out."""
    query = sa.select(layers).where(layers.c.id.in_(list(ids))).order_by(*_ORDER)
    return {row.id: from_row(Layer, row, layers) for row in conn.execute(query)}


def of_stack(conn: Connection, stack_id: str) -> list[Layer]:
    query = sa.select(layers).where(layers.c.stack_id == stack_id).order_by(*_ORDER)
    return [from_row(Layer, row, layers) for row in conn.execute(query)]


def lock(conn: Connection, id: str) -> None:
    """Let nobody else change this layer, or join it, until the transaction ends; read it afterwards.

    A record is written whole: on PostgreSQL two changes at once would else undo each other. An id that does not exist
    is none of its business.
    """
    conn.execute(sa.select(layers.c.id).where(layers.c.id == id).with_for_update())


def secrets(conn: Connection, vault: Vault, ids: Collection[str]) -> dict[str, LayerSecrets]:
    """Custom JSON and passwords in clear, by layer id."""
    query = sa.select(layers.c.id, layers.c.stack_id, layers.c.sealed).where(layers.c.id.in_(list(ids)))
    return {
        row.id: unseal(LayerSecrets, row.sealed, vault, layers, row=row.id, scope=row.stack_id)
        for row in conn.execute(query)
    }


def update(conn: Connection, vault: Vault, layer: Layer, secrets: LayerSecrets) -> None:
    sealed = seal(secrets, vault, layers, row=layer.id, scope=layer.stack_id)
    conn.execute(sa.update(layers).where(layers.c.id == layer.id).values(**to_row(layer, layers), sealed=sealed))
    stacks.touch(conn, layer.stack_id)


def hostnames(conn: Connection, id: str) -> list[str]:
    """Host names of the layer's instances, whatever their status."""
    query = (
        sa.select(instances.c.hostname)
        .join(instance_layers, instance_layers.c.instance_id == instances.c.id)
        .where(instance_layers.c.layer_id == id)
        .order_by(instances.c.hostname)
    )
    return list(conn.execute(query).scalars())


def remove(conn: Connection, layer: Layer) -> None:
    for table in (attributes, data_bag_items):
        conn.execute(sa.delete(table).where(table.c.level == "layer", table.c.owner_id == layer.id))
    conn.execute(sa.delete(layers).where(layers.c.id == layer.id))
    stacks.touch(conn, layer.stack_id)
