"""What one node is told with one command, in clear, before it is sealed to that node (ruling 16, chapter 06)."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from toque.protocol.messages import CommandData
from toque_server.domain import bag_items, bags, os_updates
from toque_server.domain.app import AppSecrets
from toque_server.domain.command import Command
from toque_server.domain.deployment_secrets import DeploymentSecrets
from toque_server.domain.world import InstanceOf, World
from toque_server.operations.context import Services
from toque_server.security.envelope import Vault
from toque_server.store import data_bags, deployment_secrets, deployments
from toque_server.store import world as stored_world
from toque_server.store.levels import Private, chain


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
    levels = tuple((each.name, each.value) for each in chain(private, world, instance, app_ids, sealed.custom_json))
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
