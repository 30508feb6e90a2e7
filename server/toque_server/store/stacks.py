"""Stacks in the database."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy import Connection

from toque_server.domain.stack import Stack, StackSecrets
from toque_server.security.envelope import Vault
from toque_server.store.documents import from_row, seal, to_row, unseal
from toque_server.store.tables import apps, data_keys, instances, layers, stacks


def add(conn: Connection, vault: Vault, stack: Stack, secrets: StackSecrets) -> None:
    # The row first: its data key belongs to it, and goes with it.
    conn.execute(sa.insert(stacks).values(to_row(stack, stacks)))
    set_secrets(conn, vault, stack.id, secrets)


def get(conn: Connection, id: str) -> Stack | None:
    row = conn.execute(sa.select(stacks).where(stacks.c.id == id)).one_or_none()
    return None if row is None else from_row(Stack, row, stacks)


def lock(conn: Connection, id: str) -> None:
    """Let nobody else change this stack until the transaction ends; read it afterwards. Needs no stack to be there.

    A record is written whole: on PostgreSQL two changes at once would else undo each other.
    """
    conn.execute(sa.select(stacks.c.id).where(stacks.c.id == id).with_for_update(key_share=True))


def by_ids(conn: Connection, ids: Collection[str]) -> dict[str, Stack]:
    """By id, oldest first; an id that does not exist is left out."""
    query = sa.select(stacks).where(stacks.c.id.in_(list(ids))).order_by(stacks.c.created_at, stacks.c.id)
    return {row.id: from_row(Stack, row, stacks) for row in conn.execute(query)}


def every(conn: Connection) -> list[Stack]:
    query = sa.select(stacks).order_by(stacks.c.created_at, stacks.c.id)
    return [from_row(Stack, row, stacks) for row in conn.execute(query)]


def secrets(conn: Connection, vault: Vault, id: str) -> StackSecrets:
    """Custom JSON and the cookbook source's credentials, in clear."""
    sealed = conn.execute(sa.select(stacks.c.sealed).where(stacks.c.id == id)).scalar_one_or_none()
    return unseal(StackSecrets, sealed, vault, stacks, row=id, scope=id)


def set_secrets(conn: Connection, vault: Vault, id: str, secrets: StackSecrets) -> None:
    sealed = seal(secrets, vault, stacks, row=id, scope=id)
    conn.execute(sa.update(stacks).where(stacks.c.id == id).values(sealed=sealed))


def update(conn: Connection, stack: Stack) -> None:
    """Write what a user may change, and count the change. Numbers and bundles that the server keeps are left alone."""
    values = {name: value for name, value in to_row(stack, stacks).items() if name in ("name", "document")}
    conn.execute(sa.update(stacks).where(stacks.c.id == stack.id).values(**values, change=stacks.c.change + 1))


def touch(conn: Connection, id: str) -> None:
    """Something changed that a policy of this stack would show (ruling 16)."""
    conn.execute(sa.update(stacks).where(stacks.c.id == id).values(change=stacks.c.change + 1))


def set_cookbook_digest(conn: Connection, id: str, digest: str | None) -> None:
    """The bundle that the stack's custom recipes come from now (ruling 18)."""
    conn.execute(sa.update(stacks).where(stacks.c.id == id).values(cookbook_digest=digest, change=stacks.c.change + 1))


_ON_THE_WAY = ("requested", "pending", "booting")


def before_first_fetch(conn: Connection) -> list[str]:
    """Stacks whose own cookbooks nobody has fetched yet, and whose first instances are starting (ruling 18)."""
    starting = sa.select(instances.c.stack_id).where(instances.c.status.in_(_ON_THE_WAY))
    query = sa.select(stacks).where(stacks.c.cookbook_digest.is_(None), stacks.c.id.in_(starting))
    found = [from_row(Stack, row, stacks) for row in conn.execute(query)]
    return [each.id for each in found if each.use_custom_cookbooks and each.custom_cookbooks_source.url]


def slugs(conn: Connection, like: str) -> set[str]:
    """The slugs that begin with `like`: what a new stack's must differ from."""
    return set(conn.execute(sa.select(stacks.c.slug).where(stacks.c.slug.startswith(like, autoescape=True))).scalars())


def counts(conn: Connection, id: str) -> tuple[int, int, dict[str, int]]:
    """How many layers and apps, and how many instances in each status."""
    number_of = [
        int(conn.execute(sa.select(sa.func.count()).select_from(table).where(table.c.stack_id == id)).scalar_one())
        for table in (layers, apps)
    ]
    by_status = conn.execute(
        sa.select(instances.c.status, sa.func.count().label("number"))
        .where(instances.c.stack_id == id)
        .group_by(instances.c.status)
    )
    return number_of[0], number_of[1], {row.status: row.number for row in by_status}


def remove(conn: Connection, id: str) -> None:
    """Delete the stack with all that belongs to it, the key of its secrets included."""
    conn.execute(sa.delete(stacks).where(stacks.c.id == id))
    conn.execute(sa.delete(data_keys).where(data_keys.c.scope == id))
