"""The whole installation in a few numbers: for metrics and the doctor."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from toque_server.store.tables import commands, instances, stacks


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
