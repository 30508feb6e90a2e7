"""Service errors: what went wrong with an instance, kept for DescribeServiceErrors."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.store.tables import instances, service_errors

WARNING: Final = "run_warning"
"""Type of what a run could not do, and that did not fail it."""
FLAPPING: Final = "flapping_resource"
"""Type of a resource that changes in every run: one error for each resource and instance, as long as it lasts."""
_SAID_FOR: Final = timedelta(days=1)
_KEPT: Final = 100


class ServiceError(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    stack_id: str
    instance_id: str | None
    type: str
    message: str
    created_at: datetime


def add(conn: Connection, error: ServiceError) -> None:
    """Write an error; the instance's LastServiceErrorId is the newest of its errors."""
    conn.execute(sa.insert(service_errors).values(msgspec.structs.asdict(error)))


def add_warning(conn: Connection, error: ServiceError) -> bool:
    """Write what a run warned of, unless that instance's error says it since less than a day; True when written.

    The newest hundred warnings of an instance are kept: what every run says again must not fill the database.
    """
    own = (service_errors.c.instance_id == error.instance_id) & (service_errors.c.type == error.type)
    lately = service_errors.c.created_at > error.created_at - _SAID_FOR
    same = sa.select(service_errors.c.id).where(own, lately, service_errors.c.message == error.message).limit(1)
    if conn.execute(same).first() is not None:
        return False
    add(conn, error)
    newest_first = (service_errors.c.created_at.desc(), service_errors.c.id)
    old = sa.select(service_errors.c.id).where(own).order_by(*newest_first).limit(1000).offset(_KEPT)
    if gone := list(conn.execute(old).scalars()):
        conn.execute(sa.delete(service_errors).where(service_errors.c.id.in_(gone)))
    return True


def add_flapping(conn: Connection, error: ServiceError) -> bool:
    """Write that a resource flaps, unless that stands already; True when written. At most a hundred an instance."""
    own = (service_errors.c.instance_id == error.instance_id) & (service_errors.c.type == error.type)
    there = list(conn.execute(sa.select(service_errors.c.message).where(own)).scalars())
    if error.message in there or len(there) >= _KEPT:
        return False
    add(conn, error)
    return True


def end_flapping(
    conn: Connection, instance_id: str, *, of: Collection[str] | None = None, but: Collection[str] = ()
) -> list[str]:
    """Take away the errors with these messages, or all but some; answers the messages of those that are gone."""
    c = service_errors.c
    own = (c.instance_id == instance_id) & (c.type == FLAPPING)
    query = sa.select(c.id, c.message).where(own, c.message.not_in(list(but)))
    gone = {row.id: row.message for row in conn.execute(query) if of is None or row.message in of}
    if gone:
        conn.execute(sa.delete(service_errors).where(c.id.in_(list(gone))))
    return list(gone.values())


def flapping(conn: Connection, stack_id: str, instance_id: str | None = None) -> dict[str, list[str]]:
    """What flaps now, by instance."""
    c = service_errors.c
    query = sa.select(c.instance_id, c.message).where(c.stack_id == stack_id, c.type == FLAPPING).order_by(c.message)
    found: dict[str, list[str]] = {}
    for row in conn.execute(query if instance_id is None else query.where(c.instance_id == instance_id)):
        found.setdefault(row.instance_id, []).append(row.message)
    return found


def by_ids(conn: Connection, ids: Collection[str]) -> list[ServiceError]:
    return _newest_first(conn, service_errors.c.id.in_(list(ids)))


def of_stack(conn: Connection, stack_id: str) -> list[ServiceError]:
    return _newest_first(conn, service_errors.c.stack_id == stack_id)


def of_instance(conn: Connection, instance_id: str) -> list[ServiceError]:
    return _newest_first(conn, service_errors.c.instance_id == instance_id)


def last_by_instance(conn: Connection, stack_ids: Collection[str]) -> dict[str, str]:
    """The id of the newest error of each instance of these stacks."""
    query = (
        sa.select(service_errors.c.instance_id, service_errors.c.id)
        .join(instances, instances.c.id == service_errors.c.instance_id)
        .where(service_errors.c.stack_id.in_(list(stack_ids)))
        .order_by(service_errors.c.created_at, service_errors.c.id)
    )
    return {row.instance_id: row.id for row in conn.execute(query)}


def _newest_first(conn: Connection, condition: sa.ColumnElement[bool]) -> list[ServiceError]:
    query = sa.select(service_errors).where(condition).order_by(service_errors.c.created_at.desc(), service_errors.c.id)
    return [ServiceError(**row._mapping) for row in conn.execute(query)]
