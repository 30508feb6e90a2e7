"""Join tokens: the server keeps their public half only (S1)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from toque.protocol.keys import new_signing_key, public_bytes
from toque.protocol.tokens import JoinToken
from toque_server.store.tables import join_tokens

LONGEST_LIFE = timedelta(hours=24)


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation to one stack and its layers, or to one instance. `node_key` is the key that used it last.

    `public` is an Ed25519 key's 32 bytes; longer, it is the DER form of a registered machine's RSA key.
    """

    id: str
    stack_id: str
    public: bytes
    instance_id: str | None
    layer_ids: tuple[str, ...]
    uses_left: int
    expires_at: datetime
    created_at: datetime
    created_by: str
    node_key: bytes | None = None


def _from_row(row: Row[Any]) -> Token:
    values = dict(row._mapping)
    values["layer_ids"] = tuple(msgspec.json.decode(row.layer_ids, type=list[str]))
    values["public"] = bytes(row.public)
    values["node_key"] = None if row.node_key is None else bytes(row.node_key)
    return Token(**values)


def add(conn: Connection, token: Token) -> None:
    values = {name: getattr(token, name) for name in Token.__struct_fields__}
    values["layer_ids"] = msgspec.json.encode(list(token.layer_ids)).decode()
    conn.execute(insert(join_tokens).values(values))


def get(conn: Connection, token_id: str) -> Token | None:
    row = conn.execute(select(join_tokens).where(join_tokens.c.id == token_id)).one_or_none()
    return None if row is None else _from_row(row)


def with_key(conn: Connection, stack_id: str, public: bytes) -> Token | None:
    """The stack's token whose public half this is: a machine's own, from its registration."""
    same = (join_tokens.c.stack_id == stack_id, join_tokens.c.public == public)
    row = conn.execute(select(join_tokens).where(*same)).first()
    return None if row is None else _from_row(row)


def of_stack(conn: Connection, stack_id: str) -> Sequence[Token]:
    rows = conn.execute(
        select(join_tokens).where(join_tokens.c.stack_id == stack_id).order_by(join_tokens.c.created_at)
    )
    return [_from_row(row) for row in rows]


def use(conn: Connection, seen: Token, node_key: bytes) -> bool:
    """Use it up once, for this key; False if another process used it since it was read."""
    used = conn.execute(
        update(join_tokens)
        .where(join_tokens.c.id == seen.id, join_tokens.c.uses_left == seen.uses_left, join_tokens.c.uses_left > 0)
        .values(uses_left=seen.uses_left - 1, node_key=node_key)
    )
    return used.rowcount == 1


def revoke(conn: Connection, token_id: str) -> bool:
    return conn.execute(delete(join_tokens).where(join_tokens.c.id == token_id)).rowcount == 1


def prune(conn: Connection, before: datetime) -> int:
    """Delete tokens that expired before then; returns how many."""
    return conn.execute(delete(join_tokens).where(join_tokens.c.expires_at < before)).rowcount


def issue(
    conn: Connection,
    *,
    stack_id: str,
    root_fingerprint: str,
    at: datetime,
    created_by: str,
    instance_id: str | None = None,
    layer_ids: Sequence[str] = (),
    uses: int = 1,
    life: timedelta = timedelta(minutes=60),
) -> JoinToken:
    """Make a token for one instance, or for new instances of a stack and layers; its text is shown this once only.

    `life` is 60 minutes, at most 24 hours. Raises ValueError for a longer one, or for no use at all.

        token = issue(conn, stack_id=stack.id, root_fingerprint=keys.root_fingerprint, at=now, created_by=caller.arn)
        print(token.text)
    """
    if not timedelta(0) < life <= LONGEST_LIFE or uses < 1:
        raise ValueError("a join token lives at most 24 hours and has at least one use")
    key = new_signing_key()
    token = JoinToken(secrets.token_hex(8), key.private_bytes_raw(), root_fingerprint)
    add(
        conn,
        Token(
            id=token.id,
            stack_id=stack_id,
            public=public_bytes(key),
            instance_id=instance_id,
            layer_ids=tuple(layer_ids),
            uses_left=uses,
            expires_at=at + life,
            created_at=at,
            created_by=created_by,
        ),
    )
    return token
