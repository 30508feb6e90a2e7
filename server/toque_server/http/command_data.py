"""What one node is told with one command, in clear, before it is sealed to that node (ruling 16, chapter 06)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from toque.protocol.messages import CommandData
from toque_server.domain import bag_items, bags, custom_json, os_updates
from toque_server.domain.app import AppSecrets
from toque_server.domain.command import Command
from toque_server.domain.deployment_secrets import DeploymentSecrets
from toque_server.domain.world import InstanceOf, World
from toque_server.operations.context import Services
from toque_server.security.envelope import Vault
from toque_server.store import attributes, data_bags, deployment_secrets, deployments, layers, stacks
from toque_server.store import world as stored_world

Levels = tuple[tuple[str, dict[str, Any]], ...]
Object = dict[str, Any]


class Private(msgspec.Struct, frozen=True):
    """What of a stack goes into sealed parts only: custom JSON, attributes by owner, whether there are free bags."""

    stack: Object
    layers: Mapping[str, Object]
    attributes: Mapping[str, Object]
    has_bags: bool


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


class Asked(msgspec.Struct, frozen=True):
    """What one deployment tells all its nodes alike; never changed once it is made."""

    comment: str | None = None
    secrets: DeploymentSecrets = DeploymentSecrets()


def read_asked(conn: Connection, vault: Vault, deployment_id: str) -> Asked:
    """Read once for all commands of a deployment."""
    deployment = deployments.get(conn, deployment_id)
    secrets = deployment_secrets.of(conn, vault, [deployment_id]).get(deployment_id, DeploymentSecrets())
    return Asked(None if deployment is None else deployment.comment, secrets)


def build(
    conn: Connection,
    services: Services,
    world: World,
    private: Private,
    instance: InstanceOf,
    command: Command,
    asked: Asked,
    now: datetime,
) -> CommandData:
    """The sealed part's content. Nothing is in it that the instance's layers may not see."""
    app_ids = [str(app) for app in command.args.get("app_ids", ())]
    settings = services.settings
    provider = settings.region(world.stack.region).provider
    updates = os_updates.due(command, instance, world, obeyed=settings.updates_on_boot, provider=provider)
    deploying = bags.deploy_apps(command.type, app_ids, world)
    sealed = asked.secrets
    levels = _levels(private, world, instance, app_ids, sealed.custom_json)
    secrets = bags.secrets_for(world, instance, command.type, deploying)
    own = bags.own_connections(levels, bags.visible_apps(world, instance), command.type)
    # Custom JSON is no secret as such: of a connection given there, only the password is.
    hidden = [secrets, [database.get("password") for database in own.values()]]
    connections = {name: {"database": database} for name, database in own.items()}
    snapshot = None
    if sealed.app is not None:
        of_deleted = stored_world.app_of(sealed.app, sealed.app_secrets or AppSecrets())
        snapshot = bags.app_snapshot(of_deleted, world.databases)
        deploying = (*deploying, sealed.app.id)
    owners = [instance.id, *instance.layer_ids, *(app.id for app in bags.visible_apps(world, instance))]
    kept = data_bags.seen_by(conn, services.vault, world.stack.id, owners) if private.has_bags else {}
    free = bags.free_bags(kept, levels)
    return CommandData(
        command=bag_items.command_item(
            command_id=command.id,
            type=command.type,
            args={**command.args, "install_updates": True} if updates else command.args,
            sent_at=now,
            user_arn=command.user_arn,
            instance_id=command.instance_id,
            deployment_id=command.deployment_id,
            comment=asked.comment,
            elected=sealed.elected,
        ),
        levels=levels,
        secrets=bags.merged(secrets, {bags.BAG_OF["app"]: connections} if own else {}),
        bags=free | bags.own_resources(world, instance.id),
        deploy_apps=deploying,
        self_instance=bag_items.self_item(instance),
        masked=bags.masked_values([*hidden, snapshot and bags.secret_fields(snapshot)]),
        app_snapshot=snapshot,
        allow_insecure_sources=settings.allow_insecure_sources,
    )


def _levels(private: Private, world: World, instance: InstanceOf, app_ids: list[str], deployment: str | None) -> Levels:
    """The attribute chain without the cookbooks' defaults, weakest first (D14)."""
    shown = {app.id: app for app in bags.visible_apps(world, instance)}
    given = private.attributes
    names = {layer.id: layer.shortname for layer in world.layers}
    chain: list[tuple[str, dict[str, Any]]] = []
    if apps := {app.shortname: given[app.id] for app in shown.values() if app.id in given}:
        chain.append(("apps", {"apps": apps}))
    chain.append(("stack", private.stack))
    for layer_id in instance.layer_ids:
        level = f"layer/{names.get(layer_id, layer_id)}"
        chain += [(level, private.layers.get(layer_id, {})), (level, given.get(layer_id, {}))]
    chain += [(f"app/{shown[app_id].shortname}", given.get(app_id, {})) for app_id in app_ids if app_id in shown]
    chain.append(("instance", given.get(instance.id, {})))
    chain.append(("deployment", _object(deployment)))
    return tuple((level, value) for level, value in chain if value)


def _object(text: str | None) -> dict[str, Any]:
    return {} if text is None else custom_json.parse(text)
