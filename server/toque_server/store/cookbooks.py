"""Cookbook bundles: what is in each, and which stacks have it. The archives are files of the data directory."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from toque.protocol.messages import BundleRef
from toque_server.store.tables import bundles, stack_bundles


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """One archive, named by its SHA-256. `contents` is what `toque.cookbook.bundle.pack` says of it."""

    digest: str
    size: int
    created_at: datetime
    contents: dict[str, Any]


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle that a stack has or had, and where it came from."""

    bundle: Bundle
    added_at: datetime
    source: str


def add(conn: Connection, bundle: Bundle) -> None:
    """Record a bundle; one that is known stays as it is."""
    if get(conn, bundle.digest) is not None:
        return
    conn.execute(
        sa.insert(bundles).values(
            digest=bundle.digest,
            size=bundle.size,
            created_at=bundle.created_at,
            contents=msgspec.json.encode(bundle.contents).decode(),
        )
    )


def get(conn: Connection, digest: str) -> Bundle | None:
    row = conn.execute(sa.select(bundles).where(bundles.c.digest == digest)).one_or_none()
    return None if row is None else _bundle(row)


def publish(conn: Connection, stack_id: str, digest: str, *, at: datetime, source: str) -> None:
    """Let a stack have a bundle; only such bundles does the agents' route hand out to its nodes (S5)."""
    here = (stack_bundles.c.stack_id == stack_id, stack_bundles.c.digest == digest)
    if conn.execute(sa.update(stack_bundles).where(*here).values(added_at=at, source=source)).rowcount == 0:
        conn.execute(sa.insert(stack_bundles).values(stack_id=stack_id, digest=digest, added_at=at, source=source))


def take_away(conn: Connection, stack_id: str, digest: str) -> None:
    """Let a stack have a bundle no longer."""
    conn.execute(sa.delete(stack_bundles).where(stack_bundles.c.stack_id == stack_id, stack_bundles.c.digest == digest))


def of_stack(conn: Connection, stack_id: str) -> list[Published]:
    """Newest first."""
    query = (
        sa.select(bundles, stack_bundles.c.added_at, stack_bundles.c.source)
        .join(stack_bundles, stack_bundles.c.digest == bundles.c.digest)
        .where(stack_bundles.c.stack_id == stack_id)
        .order_by(stack_bundles.c.added_at.desc(), bundles.c.digest)
    )
    return [Published(bundle=_bundle(row), added_at=row.added_at, source=row.source) for row in conn.execute(query)]


def ref_of(conn: Connection, stack_id: str, digest: str) -> BundleRef | None:
    """A bundle of this stack as signed things name it; None if the stack never had it."""
    query = (
        sa.select(bundles.c.size)
        .join(stack_bundles, stack_bundles.c.digest == bundles.c.digest)
        .where(stack_bundles.c.stack_id == stack_id, stack_bundles.c.digest == digest)
    )
    size = conn.execute(query).scalar_one_or_none()
    return None if size is None else BundleRef(digest, size)


def belongs_to(conn: Connection, stack_id: str, digest: str) -> bool:
    query = sa.select(stack_bundles.c.digest).where(
        stack_bundles.c.stack_id == stack_id, stack_bundles.c.digest == digest
    )
    return conn.execute(query).first() is not None


def _bundle(row: Any) -> Bundle:
    return Bundle(
        digest=row.digest, size=row.size, created_at=row.created_at, contents=msgspec.json.decode(row.contents)
    )
