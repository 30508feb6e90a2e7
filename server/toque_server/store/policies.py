"""Policies as issued, and the parts that they name (ruling 16). Each part is stored once per stack, by its digest."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from toque.protocol.messages import Manifest, SignedObject
from toque_server.domain.policy import Issued
from toque_server.store.tables import commands, parts, policies
from toque_server.store.upsert import insert_into

KEPT = 8
"""Policies kept per stack, besides those that open commands name."""

_CHUNK = 500


def newest(conn: Connection, stack_id: str) -> Issued | None:
    row = conn.execute(
        select(policies.c.version, policies.c.change, policies.c.issued_at, policies.c.digest)
        .where(policies.c.stack_id == stack_id)
        .order_by(policies.c.version.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else Issued(**row._mapping)


def listed(conn: Connection, stack_id: str) -> list[Issued]:
    """The policies of a stack that are kept, the newest first."""
    rows = conn.execute(
        select(policies.c.version, policies.c.change, policies.c.issued_at, policies.c.digest)
        .where(policies.c.stack_id == stack_id)
        .order_by(policies.c.version.desc())
    )
    return [Issued(**row._mapping) for row in rows]


def get(conn: Connection, stack_id: str, version: int) -> Issued | None:
    row = conn.execute(
        select(policies.c.version, policies.c.change, policies.c.issued_at, policies.c.digest).where(
            policies.c.stack_id == stack_id, policies.c.version == version
        )
    ).one_or_none()
    return None if row is None else Issued(**row._mapping)


def shared(conn: Connection, stack_id: str, cause_id: str) -> tuple[Issued, datetime] | None:
    """The policy that the first command of a cause was dispatched with, and when; None if none was yet."""
    row = conn.execute(
        select(commands.c.manifest_version, commands.c.dispatched_at)
        .where(
            commands.c.stack_id == stack_id,
            commands.c.cause_id == cause_id,
            commands.c.dispatched_at.is_not(None),
            commands.c.manifest_version.is_not(None),
        )
        .order_by(commands.c.dispatched_at)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    issued = get(conn, stack_id, row.manifest_version)
    return None if issued is None else (issued, row.dispatched_at)


def signed_manifest(conn: Connection, stack_id: str, version: int) -> SignedObject | None:
    row = conn.execute(
        select(policies.c.manifest).where(policies.c.stack_id == stack_id, policies.c.version == version)
    ).one_or_none()
    return None if row is None else msgspec.json.decode(bytes(row.manifest), type=SignedObject)


def add(conn: Connection, stack_id: str, issued: Issued, manifest: SignedObject, bodies: Mapping[str, str]) -> None:
    """Store a policy and those of its parts (canonical JSON by digest) that are new; drop what nobody needs."""
    conn.execute(
        insert(policies).values(
            stack_id=stack_id,
            version=issued.version,
            change=issued.change,
            issued_at=issued.issued_at,
            digest=issued.digest,
            manifest=msgspec.json.encode(manifest),
        )
    )
    known = have(conn, stack_id, bodies)
    rows = [
        {"digest": digest, "stack_id": stack_id, "body": bodies[digest]} for digest in bodies if digest not in known
    ]
    if rows:
        conn.execute(insert_into(conn, parts).on_conflict_do_nothing(), rows)
    if issued.version % KEPT == 0:
        prune(conn, stack_id, issued.version)


def set_change(conn: Connection, stack_id: str, issued: Issued, change: int) -> None:
    """The stack changed in nothing that a policy shows: the newest one goes on."""
    conn.execute(
        update(policies)
        .where(policies.c.stack_id == stack_id, policies.c.version == issued.version)
        .values(change=change)
    )


def have(conn: Connection, stack_id: str, digests: Iterable[str]) -> set[str]:
    """Those of `digests` that are stored for this stack."""
    wanted, found = list(digests), set[str]()
    for start in range(0, len(wanted), _CHUNK):
        chunk = wanted[start : start + _CHUNK]
        found.update(
            conn.execute(
                select(parts.c.digest).where(parts.c.stack_id == stack_id, parts.c.digest.in_(chunk))
            ).scalars()
        )
    return found


def bodies(conn: Connection, stack_id: str, digests: Iterable[str]) -> dict[str, str]:
    """Canonical JSON by digest, of this stack's parts only (S5)."""
    rows = conn.execute(
        select(parts.c.digest, parts.c.body).where(parts.c.stack_id == stack_id, parts.c.digest.in_(list(digests)))
    )
    return {row.digest: row.body for row in rows}


def prune(conn: Connection, stack_id: str, version: int) -> None:
    """Delete policies older than the newest `KEPT` that no open command names, then parts that no policy names."""
    named = select(commands.c.manifest_version).where(
        commands.c.stack_id == stack_id, commands.c.completed_at.is_(None), commands.c.manifest_version.is_not(None)
    )
    conn.execute(
        delete(policies).where(
            policies.c.stack_id == stack_id, policies.c.version <= version - KEPT, policies.c.version.not_in(named)
        )
    )
    kept: set[str] = set()
    for body in conn.execute(select(policies.c.manifest).where(policies.c.stack_id == stack_id)).scalars():
        signed = msgspec.json.decode(bytes(body), type=SignedObject)
        kept.update(manifest_of(signed).parts.values())
    stored = set(conn.execute(select(parts.c.digest).where(parts.c.stack_id == stack_id)).scalars())
    stale = sorted(stored - kept)
    for start in range(0, len(stale), _CHUNK):
        conn.execute(
            delete(parts).where(parts.c.stack_id == stack_id, parts.c.digest.in_(stale[start : start + _CHUNK]))
        )


def manifest_of(signed: SignedObject) -> Manifest:
    """The manifest in one of our own signed objects, without checking the signature: it comes from our database."""
    return msgspec.json.decode(b64decode(signed.payload), type=Manifest)
