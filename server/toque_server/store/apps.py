"""Apps in the database."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.app import App, AppSecrets
from toque_server.security.envelope import Vault
from toque_server.store import stacks
from toque_server.store.documents import from_row, seal, to_row, unseal
from toque_server.store.tables import apps, attributes, data_bag_items

_ORDER = (apps.c.created_at, apps.c.id)


def add(conn: Connection, vault: Vault, app: App, secrets: AppSecrets) -> None:
    sealed = seal(secrets, vault, apps, row=app.id, scope=app.stack_id)
    conn.execute(sa.insert(apps).values(**to_row(app, apps), sealed=sealed))
    stacks.touch(conn, app.stack_id)


def get(conn: Connection, id: str) -> App | None:
    return by_ids(conn, [id]).get(id)


def by_ids(conn: Connection, ids: Collection[str]) -> dict[str, App]:
    """By id, oldest first; an id that does not exist is left out."""
    query = sa.select(apps).where(apps.c.id.in_(list(ids))).order_by(*_ORDER)
    return {row.id: from_row(App, row, apps) for row in conn.execute(query)}


def of_stacks(conn: Connection, stack_ids: Collection[str]) -> list[App]:
    query = sa.select(apps).where(apps.c.stack_id.in_(list(stack_ids))).order_by(*_ORDER)
    return [from_row(App, row, apps) for row in conn.execute(query)]


def shortnames(conn: Connection, stack_id: str) -> set[str]:
    return set(conn.execute(sa.select(apps.c.shortname).where(apps.c.stack_id == stack_id)).scalars())


def secrets(conn: Connection, vault: Vault, ids: Collection[str]) -> dict[str, AppSecrets]:
    """Source credentials, private keys and secure variables in clear, by app id."""
    query = sa.select(apps.c.id, apps.c.stack_id, apps.c.sealed).where(apps.c.id.in_(list(ids)))
    return {
        row.id: unseal(AppSecrets, row.sealed, vault, apps, row=row.id, scope=row.stack_id)
        for row in conn.execute(query)
    }


def update(conn: Connection, vault: Vault, app: App, secrets: AppSecrets) -> None:
    sealed = seal(secrets, vault, apps, row=app.id, scope=app.stack_id)
    conn.execute(sa.update(apps).where(apps.c.id == app.id).values(**to_row(app, apps), sealed=sealed))
    stacks.touch(conn, app.stack_id)


def remove(conn: Connection, app: App) -> None:
    for table in (attributes, data_bag_items):
        conn.execute(sa.delete(table).where(table.c.level == "app", table.c.owner_id == app.id))
    conn.execute(sa.delete(apps).where(apps.c.id == app.id))
    stacks.touch(conn, app.stack_id)
