"""Deployments in the database."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection, Row

from toque_server.domain.command import Deployment, DeploymentStatus
from toque_server.store.tables import deployments

_FIELDS: Final = tuple(deployments.c[name] for name in Deployment.__struct_fields__)


def _deployment(row: Row[Any]) -> Deployment:
    values = dict(row._mapping)
    return Deployment(
        **values
        | {
            "command_args": json.loads(values["command_args"]),
            "instance_ids": tuple(json.loads(values["instance_ids"])),
            "status": DeploymentStatus(values["status"]),
        }
    )


def add(conn: Connection, deployment: Deployment, *, sealed: bytes | None = None) -> None:
    """Write a new deployment; `sealed` is its custom JSON and an undeploy's app snapshot, closed by the Vault."""
    values = {name: getattr(deployment, name) for name in Deployment.__struct_fields__}
    conn.execute(
        sa.insert(deployments).values(
            **values
            | {
                "command_args": json.dumps(deployment.command_args),
                "instance_ids": json.dumps(deployment.instance_ids),
                "status": deployment.status.value,
                "sealed": sealed,
            }
        )
    )


def get(conn: Connection, id: str) -> Deployment | None:
    row = conn.execute(sa.select(*_FIELDS).where(deployments.c.id == id)).one_or_none()
    return None if row is None else _deployment(row)


def sealed(conn: Connection, id: str) -> bytes | None:
    found: bytes | None = conn.execute(
        sa.select(deployments.c.sealed).where(deployments.c.id == id)
    ).scalar_one_or_none()
    return found


def _newest_first(conn: Connection, *conditions: sa.ColumnElement[bool]) -> list[Deployment]:
    query = sa.select(*_FIELDS).where(*conditions).order_by(deployments.c.created_at.desc(), deployments.c.id)
    return [_deployment(row) for row in conn.execute(query)]


def by_ids(conn: Connection, ids: Collection[str]) -> list[Deployment]:
    """Newest first; an id that does not exist is left out."""
    return _newest_first(conn, deployments.c.id.in_(ids))


def of_stack(conn: Connection, stack_id: str) -> list[Deployment]:
    return _newest_first(conn, deployments.c.stack_id == stack_id)


def newest(
    conn: Connection, stack_id: str, *, limit: int, behind: tuple[datetime, str] | None = None
) -> list[Deployment]:
    """A stack's newest deployments, newest first; `behind` the one that was created then and has this id."""
    query = sa.select(*_FIELDS).where(deployments.c.stack_id == stack_id)
    if behind is not None:
        at, id = behind
        same = sa.and_(deployments.c.created_at == at, deployments.c.id > id)
        query = query.where(sa.or_(deployments.c.created_at < at, same))
    query = query.order_by(deployments.c.created_at.desc(), deployments.c.id).limit(limit)
    return [_deployment(row) for row in conn.execute(query)]


def of_app(conn: Connection, app_id: str) -> list[Deployment]:
    return _newest_first(conn, deployments.c.app_id == app_id)


def all_of_installation(conn: Connection) -> list[Deployment]:
    return _newest_first(conn)


def running(conn: Connection) -> list[Deployment]:
    """Those that have not ended, oldest first."""
    return _newest_first(conn, deployments.c.status == DeploymentStatus.RUNNING.value)[::-1]


def under_way(conn: Connection, stack_id: str) -> bool:
    """Whether a deployment of this stack runs; its nodes then poll each second (ruling 5)."""
    query = sa.select(deployments.c.id).where(
        deployments.c.stack_id == stack_id, deployments.c.status == DeploymentStatus.RUNNING.value
    )
    return conn.execute(query.limit(1)).first() is not None


def finish(conn: Connection, seen: Deployment, new: Deployment) -> bool:
    """Write how it ended; False if it had ended already."""
    done = conn.execute(
        sa.update(deployments)
        .where(deployments.c.id == seen.id, deployments.c.status == seen.status.value)
        .values(status=new.status.value, completed_at=new.completed_at)
    )
    return done.rowcount == 1
