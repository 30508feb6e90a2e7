"""Which nodes have something to fetch, in one cheap look: what lets all other polls do without the database."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, select

from toque_server.store.tables import commands, deployments


class Waiting(msgspec.Struct, frozen=True):
    """By instance id. `to_fetch`: a command that may be handed out; `running`: an acknowledged one under way;
    `to_abort`: the command to end; `busy_stacks`: stacks with a deployment under way."""

    to_fetch: frozenset[str]
    running: frozenset[str]
    to_abort: dict[str, str]
    busy_stacks: frozenset[str]


NOTHING = Waiting(frozenset(), frozenset(), {}, frozenset())


def look(conn: Connection) -> Waiting:
    rows = conn.execute(
        select(
            commands.c.id,
            commands.c.instance_id,
            commands.c.acknowledged_at.is_not(None).label("runs"),
            commands.c.aborted,
        ).where(commands.c.completed_at.is_(None))
    ).all()
    running = {row.instance_id for row in rows if row.runs}
    waiting = {row.instance_id for row in rows if not row.runs}
    busy = conn.execute(select(deployments.c.stack_id).distinct().where(deployments.c.status == "running")).scalars()
    return Waiting(
        frozenset(waiting - running),
        frozenset(running),
        {row.instance_id: row.id for row in rows if row.runs and row.aborted},
        frozenset(busy),
    )
