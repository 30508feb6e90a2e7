"""Database instances registered with stacks, in the database."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.database_instance import DatabaseInstance, DatabaseSecrets
from toque_server.security.envelope import Vault
from toque_server.store import stacks
from toque_server.store.documents import from_row, seal, to_row, unseal
from toque_server.store.tables import database_instances as table


def add(conn: Connection, vault: Vault, record: DatabaseInstance, secrets: DatabaseSecrets) -> None:
    """Register it. Raises IntegrityError when it is registered already, with whatever stack."""
    sealed = seal(secrets, vault, table, row=record.arn, scope=record.stack_id)
    conn.execute(sa.insert(table).values(**to_row(record, table), sealed=sealed))
    stacks.touch(conn, record.stack_id)


def get(conn: Connection, arn: str) -> DatabaseInstance | None:
    return by_arns(conn, [arn]).get(arn)


def by_arns(conn: Connection, arns: Collection[str]) -> dict[str, DatabaseInstance]:
    """By ARN, in the order of ARNs; one that is not registered is left out."""
    query = sa.select(table).where(table.c.arn.in_(list(arns))).order_by(table.c.arn)
    return {row.arn: from_row(DatabaseInstance, row, table) for row in conn.execute(query)}


def of_stack(conn: Connection, stack_id: str) -> list[DatabaseInstance]:
    query = sa.select(table).where(table.c.stack_id == stack_id).order_by(table.c.arn)
    return [from_row(DatabaseInstance, row, table) for row in conn.execute(query)]


def secrets(conn: Connection, vault: Vault, arns: Collection[str]) -> dict[str, DatabaseSecrets]:
    """Passwords in clear, by ARN."""
    query = sa.select(table.c.arn, table.c.stack_id, table.c.sealed).where(table.c.arn.in_(list(arns)))
    return {
        row.arn: unseal(DatabaseSecrets, row.sealed, vault, table, row=row.arn, scope=row.stack_id)
        for row in conn.execute(query)
    }


def update(conn: Connection, vault: Vault, record: DatabaseInstance, secrets: DatabaseSecrets) -> None:
    sealed = seal(secrets, vault, table, row=record.arn, scope=record.stack_id)
    conn.execute(sa.update(table).where(table.c.arn == record.arn).values(**to_row(record, table), sealed=sealed))
    stacks.touch(conn, record.stack_id)


def remove(conn: Connection, record: DatabaseInstance) -> None:
    conn.execute(sa.delete(table).where(table.c.arn == record.arn))
    stacks.touch(conn, record.stack_id)
