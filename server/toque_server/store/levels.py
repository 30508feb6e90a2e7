"""The attribute chain of an instance, level by level, as it is stored: what its commands are sent (D14)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from toque_server.domain import bags, custom_json
from toque_server.domain.world import InstanceOf, World
from toque_server.security.envelope import Vault
from toque_server.store import attributes, data_bags, layers, stacks

Object = dict[str, Any]

Origin = Literal["custom_json", "attributes"]
"""How a level was set: by the object's CustomJson, or by SetAttributes."""


class Private(msgspec.Struct, frozen=True):
    """What of a stack goes into sealed parts only: custom JSON, attributes by owner, whether there are free bags."""

    stack: Object
    layers: Mapping[str, Object]
    attributes: Mapping[str, Object]
    has_bags: bool


class Level(msgspec.Struct, frozen=True):
    """One level: its name as commands carry it, what it says, whose it is and how that was set.

    The level `apps`, where each app's attributes stand by short name, is of several objects: its `owner_id` is "".
    """

    name: str
    value: Object
    owner_id: str
    origin: Origin


def read_private(conn: Connection, vault: Vault, world: World) -> Private:
    """Read once for all commands of one change of the stack."""
    stack_id = world.stack.id
    of_layers = layers.secrets(conn, vault, [layer.id for layer in world.layers])
    return Private(
        stack=_object(stacks.secrets(conn, vault, stack_id).custom_json),
        layers={layer_id: _object(one.custom_json) for layer_id, one in of_layers.items()},
        attributes={owner: one.value for owner, one in attributes.of(conn, vault, stack_id).items()},
        has_bags=bool(data_bags.listed(conn, stack_id)),
    )


def chain(
    private: Private, world: World, instance: InstanceOf, app_ids: Sequence[str], deployment: str | None
) -> tuple[Level, ...]:
    """The levels that say something, without the cookbooks' defaults, weakest first."""
    return tuple(each for each in _levels(private, world, instance, app_ids, deployment) if each.value)


def _levels(
    private: Private, world: World, instance: InstanceOf, app_ids: Sequence[str], deployment: str | None
) -> Iterator[Level]:
    shown = {app.id: app for app in bags.visible_apps(world, instance)}
    given = private.attributes
    names = {layer.id: layer.shortname for layer in world.layers}
    if apps := {app.shortname: given[app.id] for app in shown.values() if app.id in given}:
        yield Level("apps", {"apps": apps}, "", "attributes")
    yield Level("stack", private.stack, world.stack.id, "custom_json")
    for layer_id in instance.layer_ids:
        name = f"layer/{names.get(layer_id, layer_id)}"
        yield Level(name, private.layers.get(layer_id, {}), layer_id, "custom_json")
        yield Level(name, given.get(layer_id, {}), layer_id, "attributes")
    for app_id in app_ids:
        if app_id in shown:
            yield Level(f"app/{shown[app_id].shortname}", given.get(app_id, {}), app_id, "attributes")
    yield Level("instance", given.get(instance.id, {}), instance.id, "attributes")
    yield Level("deployment", _object(deployment), "", "custom_json")


def _object(text: str | None) -> Object:
    return {} if text is None else custom_json.parse(text)
