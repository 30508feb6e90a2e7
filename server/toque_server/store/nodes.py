"""Node keys and the highest request number of each lane (S3, S10).

Whoever changes a key's state calls these functions only: each of them raises the revision that lets every server
process notice within its next look (half a second) that what it remembers of keys is old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, text, update

from toque.protocol.messages import Fingerprint
from toque_server.store.tables import installation, node_keys, node_lanes
from toque_server.store.upsert import insert_into

_REVISION = "node_keys_revision"

ToTime = Callable[[float], datetime]
"""Makes a time that all servers agree on of this machine's seconds since the epoch."""


class NodeKey(msgspec.Struct, frozen=True, kw_only=True):
    """One Ed25519 key of one node. `state`: `current`; `retiring` until its successor is first used; `revoked`."""

    key_id: str
    instance_id: str
    stack_id: str
    public: bytes
    sealing: bytes
    state: str
    created_at: datetime
    enrolment_id: str
    fingerprint: Fingerprint
    conflict: bool = False


def _from_row(row: Row[Any]) -> NodeKey:
    values = dict(row._mapping)
    values["public"], values["sealing"] = bytes(row.public), bytes(row.sealing)
    values["fingerprint"] = msgspec.json.decode(row.fingerprint, type=Fingerprint)
    return NodeKey(**values)


def load(conn: Connection, key_id: str) -> NodeKey | None:
    row = conn.execute(select(node_keys).where(node_keys.c.key_id == key_id)).one_or_none()
    return None if row is None else _from_row(row)


def load_all(conn: Connection) -> list[NodeKey]:
    """Every key that is not revoked: what a server process remembers when it starts."""
    return [_from_row(row) for row in conn.execute(select(node_keys).where(node_keys.c.state != "revoked"))]


def of_instance(conn: Connection, instance_id: str) -> list[NodeKey]:
    """Every key that an instance has or had."""
    rows = conn.execute(select(node_keys).where(node_keys.c.instance_id == instance_id))
    return [_from_row(row) for row in rows]


def of_stack(conn: Connection, stack_id: str) -> list[NodeKey]:
    """Every key that the instances of a stack have or had."""
    rows = conn.execute(select(node_keys).where(node_keys.c.stack_id == stack_id))
    return [_from_row(row) for row in rows]


def current(conn: Connection, instance_id: str) -> NodeKey | None:
    """The key whose sealing half commands for this instance are sealed to."""
    rows = conn.execute(
        select(node_keys)
        .where(node_keys.c.instance_id == instance_id, node_keys.c.state != "revoked")
        .order_by(node_keys.c.state, node_keys.c.created_at.desc())
    ).all()
    return _from_row(rows[0]) if rows else None


def add(conn: Connection, key: NodeKey) -> None:
    values = {name: getattr(key, name) for name in NodeKey.__struct_fields__}
    values["fingerprint"] = msgspec.json.encode(key.fingerprint).decode()
    conn.execute(insert(node_keys).values(values))
    _raise_revision(conn)


def set_state(conn: Connection, key_id: str, *, seen: str, new: str) -> bool:
    """Compare-and-set of a key's state; False if another process was faster."""
    changed = conn.execute(
        update(node_keys).where(node_keys.c.key_id == key_id, node_keys.c.state == seen).values(state=new)
    )
    if changed.rowcount:
        _raise_revision(conn)
    return changed.rowcount == 1


def revoke(conn: Connection, instance_id: str, *, keep: str = "") -> int:
    """Revoke every key of an instance but `keep`; call it when an instance is deleted or told to join again.

    Returns how many keys were revoked. Their requests fail at once in this process, in others within half a second.
    """
    changed = conn.execute(
        update(node_keys)
        .where(node_keys.c.instance_id == instance_id, node_keys.c.key_id != keep, node_keys.c.state != "revoked")
        .values(state="revoked")
    )
    if changed.rowcount:
        _raise_revision(conn)
    return changed.rowcount


def set_conflict(conn: Connection, instance_id: str, conflict: bool) -> bool:
    """Hold (True) or free (False) an instance whose key two machines use (S11). False if it was so already."""
    changed = conn.execute(
        update(node_keys)
        .where(node_keys.c.instance_id == instance_id, node_keys.c.conflict != conflict)
        .values(conflict=conflict)
    )
    if changed.rowcount:
        _raise_revision(conn)
    return changed.rowcount > 0


def move_stack(conn: Connection, instance_id: str, stack_id: str) -> None:
    """Tell keys that their instance belongs to another stack now."""
    conn.execute(update(node_keys).where(node_keys.c.instance_id == instance_id).values(stack_id=stack_id))
    _raise_revision(conn)


def forget(conn: Connection, before: datetime) -> int:
    """Delete keys revoked for good, older than `before`; returns how many."""
    gone = conn.execute(delete(node_keys).where(node_keys.c.state == "revoked", node_keys.c.created_at < before))
    return gone.rowcount


def revision(conn: Connection) -> int:
    """Grows with every change of a key; equal numbers mean that nothing changed."""
    value = conn.execute(select(installation.c.value).where(installation.c.name == _REVISION)).scalar_one_or_none()
    return int(value or 0)


def _raise_revision(conn: Connection) -> None:
    # The row is locked by the UPDATE, so two transactions never write the same number.
    conn.execute(insert_into(conn, installation).values(name=_REVISION, value="0").on_conflict_do_nothing())
    conn.exec_driver_sql(
        "UPDATE installation SET value = CAST(CAST(value AS BIGINT) + 1 AS VARCHAR(20)) WHERE name = '"
        + _REVISION
        + "'"
    )


# -- lanes -----------------------------------------------------------------------------------------------------------

# As text, because it is part of every request that changes something, and both databases read it.
_ADVANCE = text(
    "INSERT INTO node_lanes (key_id, lane, epoch, sequence) VALUES (:key_id, :lane, :epoch, :sequence)"
    " ON CONFLICT (key_id, lane) DO UPDATE SET epoch = excluded.epoch, sequence = excluded.sequence"
    " WHERE (excluded.epoch, excluded.sequence) > (node_lanes.epoch, node_lanes.sequence) RETURNING key_id"
)


def advance(conn: Connection, key_id: str, lane: str, epoch: int, sequence: int) -> bool:
    """Take one request's number in its lane, in the transaction of its effect; False means a replay (S3)."""
    taken = {"key_id": key_id, "lane": lane, "epoch": epoch, "sequence": sequence}
    return conn.execute(_ADVANCE, taken).first() is not None


def contact_lanes(conn: Connection, key_ids: Iterable[str] | None = None) -> dict[str, tuple[int, int]]:
    """(epoch, sequence) of lane `h` by key id; of all keys, or of those named."""
    statement = select(node_lanes.c.key_id, node_lanes.c.epoch, node_lanes.c.sequence).where(node_lanes.c.lane == "h")
    if key_ids is not None:
        statement = statement.where(node_lanes.c.key_id.in_(list(key_ids)))
    return {key_id: (epoch, sequence) for key_id, epoch, sequence in conn.execute(statement)}
