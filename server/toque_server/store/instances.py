"""Instances in the database: what decisions need in columns, the rest of the record in `document`.

Every change of status goes through `swap`, a compare-and-set on what was seen (R3).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from toque.protocol.messages import Facts
from toque_server.domain.instance import Instance, Status
from toque_server.domain.instance_details import InstanceDetails
from toque_server.store import nodes, stacks
from toque_server.store.tables import (
    attributes,
    contacts,
    data_bag_items,
    elastic_ips,
    instance_layers,
    instances,
    metrics,
)

_COLUMNS: Final = tuple(instances.c[name] for name in Instance.__struct_fields__ if name in instances.c)
_NAMES: Final = tuple(column.name for column in _COLUMNS)
_ORDER: Final = (instances.c.created_at, instances.c.id)
_FIXED: Final = frozenset({"id", "stack_id", "created_at"})

# Each result of a command reads its instance: made once, for building a statement takes longer than running it.
_ONE: Final = sa.select(*_COLUMNS).where(instances.c.id == sa.bindparam("one"))
_LAYERS_OF_ONE: Final = (
    sa.select(instance_layers.c.layer_id)
    .where(instance_layers.c.instance_id == sa.bindparam("one"))
    .order_by(instance_layers.c.position)
)

Condition = sa.ColumnElement[bool]


class Described(msgspec.Struct, frozen=True):
    """One instance with everything that DescribeInstances shows of it."""

    instance: Instance
    details: InstanceDetails
    agent_version: str = ""
    facts: Facts | None = None
    elastic_ip: str | None = None


def add(conn: Connection, instance: Instance, details: InstanceDetails) -> None:
    """Write a new instance. Raises IntegrityError when its host name is taken in the stack."""
    conn.execute(sa.insert(instances).values(**_values(instance), document=_document(details)))
    _set_layers(conn, instance.id, instance.layer_ids)
    stacks.touch(conn, instance.stack_id)


def get(conn: Connection, id: str) -> Instance | None:
    row = conn.execute(_ONE, {"one": id}).one_or_none()
    return None if row is None else _instance(row, tuple(conn.execute(_LAYERS_OF_ONE, {"one": id}).scalars()))


def held(conn: Connection, ids: Collection[str]) -> dict[str, Instance]:
    """Like `by_ids`, and nobody changes them until this transaction ends.

    What depends on an instance's status, and does not change the instance, is decided under this; so is what is written
    whole, as `details` are: two changes at once would else undo each other.
    """
    lock = sa.select(instances.c.id).where(instances.c.id.in_(list(ids))).order_by(instances.c.id)
    conn.execute(lock.with_for_update(key_share=True))
    return by_ids(conn, ids)


def by_ids(conn: Connection, ids: Collection[str]) -> dict[str, Instance]:
    """By id, oldest first; an id that does not exist is left out."""
    return {each.id: each for each in _load(conn, instances.c.id.in_(list(ids)))}


def of_stack(conn: Connection, stack_id: str) -> list[Instance]:
    return _load(conn, instances.c.stack_id == stack_id)


def of_layer(conn: Connection, layer_id: str) -> list[Instance]:
    return _load(conn, _in_layer(layer_id))


def in_status(conn: Connection, statuses: Iterable[Status]) -> list[Instance]:
    """Every instance of the installation in one of these: what the loops look after."""
    return _load(conn, instances.c.status.in_([status.value for status in statuses]))


def every(conn: Connection) -> list[Instance]:
    return _load(conn, sa.true())


def details(conn: Connection, ids: Collection[str]) -> dict[str, InstanceDetails]:
    """The rest of the record, by instance id."""
    query = sa.select(instances.c.id, instances.c.document).where(instances.c.id.in_(list(ids)))
    return {row.id: _details(row.document) for row in conn.execute(query)}


def described(
    conn: Connection,
    *,
    ids: Collection[str] | None = None,
    stack_ids: Collection[str] | None = None,
    layer_id: str | None = None,
) -> list[Described]:
    """Instances for people, oldest first, with what their agents report: two queries, however many there are."""
    condition: Condition = sa.true()
    if ids is not None:
        condition = instances.c.id.in_(list(ids))
    elif layer_id is not None:
        condition = _in_layer(layer_id)
    elif stack_ids is not None:
        condition = instances.c.stack_id.in_(list(stack_ids))
    query = (
        sa.select(*_COLUMNS, instances.c.document, contacts.c.agent_version, contacts.c.facts, elastic_ips.c.ip)
        .outerjoin(contacts, contacts.c.instance_id == instances.c.id)
        .outerjoin(elastic_ips, elastic_ips.c.instance_id == instances.c.id)
        .where(condition)
        .order_by(*_ORDER)
    )
    members = _members(conn, condition)
    return [
        Described(
            _instance(row, members.get(row.id, ())),
            _details(row.document),
            row.agent_version or "",
            None if row.facts is None else msgspec.json.decode(row.facts, type=Facts),
            row.ip,
        )
        for row in conn.execute(query).all()
    ]


def hostnames(conn: Connection, stack_id: str) -> set[str]:
    return set(conn.execute(sa.select(instances.c.hostname).where(instances.c.stack_id == stack_id)).scalars())


def swap(conn: Connection, seen: Instance, new: Instance) -> bool:
    """Write `new` if the row still is as it was `seen`; says whether it was, and counts the stack's change.

    What makes it "as seen" is status, since when, machine and open heal: whatever else a loop or an operator changes
    meanwhile is not lost, for it is not written here.
    """
    same = (
        instances.c.id == seen.id,
        instances.c.status == seen.status.value,
        instances.c.since == seen.since,
        instances.c.machine_id.is_not_distinct_from(seen.machine_id),
        instances.c.heal_id.is_not_distinct_from(seen.heal_id),
    )
    before, after = _values(seen), _values(new)
    changed = {name: value for name, value in after.items() if before[name] != value and name not in _FIXED}
    if not changed and seen.layer_ids == new.layer_ids:
        return conn.execute(sa.select(instances.c.id).where(*same)).first() is not None
    # `since` is written even when it stays, so that the statement always has a value to set.
    changed.setdefault("since", new.since)
    if conn.execute(sa.update(instances).where(*same).values(changed)).rowcount != 1:
        return False
    if seen.layer_ids != new.layer_ids:
        _set_layers(conn, new.id, new.layer_ids)
    stacks.touch(conn, new.stack_id)
    return True


def set_details(conn: Connection, instance: Instance, details: InstanceDetails) -> None:
    """Write the rest of the record whole; read it in the same transaction."""
    conn.execute(sa.update(instances).where(instances.c.id == instance.id).values(document=_document(details)))
    stacks.touch(conn, instance.stack_id)


def set_cookbook_digest(conn: Connection, id: str, digest: str | None) -> None:
    """The custom bundle that this instance runs, as its last run reported (ruling 18)."""
    conn.execute(sa.update(instances).where(instances.c.id == id).values(cookbook_digest=digest))


def cookbook_digest(conn: Connection, id: str) -> str | None:
    return conn.execute(sa.select(instances.c.cookbook_digest).where(instances.c.id == id)).scalar_one_or_none()


def cookbook_digests(conn: Connection, stack_id: str) -> dict[str, str | None]:
    query = sa.select(instances.c.id, instances.c.cookbook_digest).where(instances.c.stack_id == stack_id)
    return {row.id: row.cookbook_digest for row in conn.execute(query)}


def remove(conn: Connection, instance: Instance) -> None:
    """Delete the record and everything that is only of use with it: commands, attributes, metrics, contact.

    Its keys are revoked, so that what runs on the machine still is nobody any more (S10).
    """
    nodes.revoke(conn, instance.id)
    for table in (attributes, data_bag_items):
        conn.execute(sa.delete(table).where(table.c.level == "instance", table.c.owner_id == instance.id))
    for table in (contacts, metrics):
        conn.execute(sa.delete(table).where(table.c.instance_id == instance.id))
    conn.execute(sa.delete(instances).where(instances.c.id == instance.id))
    stacks.touch(conn, instance.stack_id)


def _load(conn: Connection, condition: Condition) -> list[Instance]:
    members = _members(conn, condition)
    query = sa.select(*_COLUMNS).where(condition).order_by(*_ORDER)
    return [_instance(row, members.get(row.id, ())) for row in conn.execute(query)]


def _members(conn: Connection, condition: Condition) -> dict[str, tuple[str, ...]]:
    query = (
        sa.select(instance_layers.c.instance_id, instance_layers.c.layer_id)
        .join(instances, instances.c.id == instance_layers.c.instance_id)
        .where(condition)
        .order_by(instance_layers.c.instance_id, instance_layers.c.position)
    )
    found: dict[str, tuple[str, ...]] = {}
    for instance_id, layer_id in conn.execute(query):
        found[instance_id] = (*found.get(instance_id, ()), layer_id)
    return found


def _in_layer(layer_id: str) -> Condition:
    return instances.c.id.in_(sa.select(instance_layers.c.instance_id).where(instance_layers.c.layer_id == layer_id))


def _instance(row: Any, layer_ids: tuple[str, ...]) -> Instance:
    # The columns stand first in every query of this file, so a row is read as the tuple that it is.
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=False))
    values["status"] = Status(values["status"])
    if values["previous"] is not None:
        values["previous"] = Status(values["previous"])
    return Instance(layer_ids=layer_ids, **values)


def _values(instance: Instance) -> dict[str, Any]:
    values = {column.name: getattr(instance, column.name) for column in _COLUMNS}
    values["status"] = instance.status.value
    values["previous"] = None if instance.previous is None else instance.previous.value
    return values


def _details(document: str) -> InstanceDetails:
    return msgspec.json.decode(document, type=InstanceDetails)


def _document(details: InstanceDetails) -> str:
    return msgspec.json.encode(details).decode()


def _set_layers(conn: Connection, id: str, layer_ids: tuple[str, ...]) -> None:
    conn.execute(sa.delete(instance_layers).where(instance_layers.c.instance_id == id))
    if layer_ids:
        rows = [{"instance_id": id, "layer_id": layer, "position": n} for n, layer in enumerate(layer_ids)]
        conn.execute(sa.insert(instance_layers), rows)
