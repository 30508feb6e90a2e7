"""ECS clusters registered with stacks, in the database."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.ecs_cluster import EcsCluster
from toque_server.store import stacks
from toque_server.store.documents import from_row, to_row
from toque_server.store.tables import ecs_clusters as table


def add(conn: Connection, cluster: EcsCluster) -> None:
    """Register it. Raises IntegrityError when it or its stack is taken."""
    conn.execute(sa.insert(table).values(to_row(cluster, table)))
    stacks.touch(conn, cluster.stack_id)


def by_arns(conn: Connection, arns: Collection[str]) -> dict[str, EcsCluster]:
    """By ARN; one that is not registered is left out."""
    query = sa.select(table).where(table.c.arn.in_(list(arns))).order_by(table.c.arn)
    return {row.arn: from_row(EcsCluster, row, table) for row in conn.execute(query)}


def get(conn: Connection, arn: str) -> EcsCluster | None:
    return by_arns(conn, [arn]).get(arn)


def of_stack(conn: Connection, stack_id: str) -> EcsCluster | None:
    """The stack's only one, if it has one."""
    row = conn.execute(sa.select(table).where(table.c.stack_id == stack_id)).one_or_none()
    return None if row is None else from_row(EcsCluster, row, table)


def remove(conn: Connection, cluster: EcsCluster) -> None:
    conn.execute(sa.delete(table).where(table.c.arn == cluster.arn))
    stacks.touch(conn, cluster.stack_id)
