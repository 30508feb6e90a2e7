"""The installation, its stacks and its deployments in a few numbers: for metrics, the doctor and lists of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Table, func, select

from toque_server.store.tables import apps, commands, deployments, instances, layers, stacks


@dataclass(frozen=True)
class Counts:
    """`instances` is by status; `open_commands` are those without a result."""

    stacks: int
    instances: dict[str, int]
    open_commands: int


def counts(conn: Connection) -> Counts:
    by_status = conn.execute(select(instances.c.status, func.count()).group_by(instances.c.status))
    still_open = select(func.count()).select_from(commands).where(commands.c.completed_at.is_(None))
    return Counts(
        stacks=conn.execute(select(func.count()).select_from(stacks)).scalar_one(),
        instances={status: count for status, count in by_status},  # noqa: C416 - rows are no pairs to the type checker
        open_commands=conn.execute(still_open).scalar_one(),
    )


def number_of(conn: Connection, kind: Literal["stacks", "layers", "instances", "apps"], stack_id: str | None) -> int:
    """How many there are: of one stack, or with None everywhere."""
    table = {"stacks": stacks, "layers": layers, "instances": instances, "apps": apps}[kind]
    query = select(func.count()).select_from(table)
    return conn.execute(query if stack_id is None else query.where(table.c.stack_id == stack_id)).scalar_one()


@dataclass(frozen=True)
class StackCounts:
    """Each by stack id; a stack without any is not in it. `instances` are by stack, then by status."""

    layers: dict[str, int]
    apps: dict[str, int]
    instances: dict[str, dict[str, int]]
    running_deployments: dict[str, int]


def of_stacks(conn: Connection) -> StackCounts:
    """Every stack, in four statements however many they are."""
    by_status: dict[str, dict[str, int]] = defaultdict(dict)
    grouped = select(instances.c.stack_id, instances.c.status, func.count()).group_by(
        instances.c.stack_id, instances.c.status
    )
    for stack_id, status, count in conn.execute(grouped):
        by_status[stack_id][status] = count
    running = (
        select(deployments.c.stack_id, func.count())
        .where(deployments.c.status == "running")
        .group_by(deployments.c.stack_id)
    )
    return StackCounts(
        layers=_by_stack(conn, layers),
        apps=_by_stack(conn, apps),
        instances=dict(by_status),
        running_deployments={row[0]: row[1] for row in conn.execute(running)},
    )


def commands_of(conn: Connection, deployment_ids: Collection[str]) -> dict[str, dict[str, int]]:
    """How many commands of each deployment are `queued`, `running`, or ended in which way."""
    acknowledged = commands.c.acknowledged_at.is_not(None).label("acknowledged")
    grouped = (
        select(commands.c.deployment_id, commands.c.status, acknowledged, func.count())
        .where(commands.c.deployment_id.in_(list(deployment_ids)))
        .group_by(commands.c.deployment_id, commands.c.status, acknowledged)
    )
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for deployment_id, status, running, count in conn.execute(grouped):
        state = ("running" if running else "queued") if status == "pending" else status
        found[deployment_id][state] += count
    return {id: dict(states) for id, states in found.items()}


def _by_stack(conn: Connection, table: Table) -> dict[str, int]:
    grouped = select(table.c.stack_id, func.count()).group_by(table.c.stack_id)
    return {row[0]: row[1] for row in conn.execute(grouped)}
