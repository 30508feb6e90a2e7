"""What a node sees: the items of every data bag, split into public parts and what is sealed to one node (chapter 06).

A *part* is one bag item as every node of the stack may read it: it goes into the policy, is stored once by its digest
and fetched once. Where an item has a secret field, the part holds null there, and `secrets_for` gives the value to the
nodes that may see it; the agent merges it over the part. The prefix of a part's name says its bag.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from toque_server.domain.world import (
    AppOf,
    BalancerOf,
    ClusterOf,
    DatabaseOf,
    DataSource,
    InstanceOf,
    LayerOf,
    SourceOf,
    StackOf,
    UserOf,
    VolumeConfiguration,
    World,
)

Item = dict[str, Any]

BAG_OF: Final[Mapping[str, str]] = {
    "stack": "aws_opsworks_stack",
    "layer": "aws_opsworks_layer",
    "instance": "aws_opsworks_instance",
    "app": "aws_opsworks_app",
    "user": "aws_opsworks_user",
    "rds": "aws_opsworks_rds_db_instance",
    "elb": "aws_opsworks_elastic_load_balancer",
    "ecs": "aws_opsworks_ecs_cluster",
}
"""From the prefix of a part's name to the bag whose item it is."""

APP_TYPES_OF_LAYER: Final[Mapping[str, frozenset[str]]] = {
    "java-app": frozenset({"java"}),
    "rails-app": frozenset({"rails"}),
    "php-app": frozenset({"php"}),
    "nodejs-app": frozenset({"nodejs"}),
    "web": frozenset({"static"}),
    "python-app": frozenset({"other"}),
}
"""Apps that a built-in app layer deploys (05 § 1.2). A custom layer may see every app: its recipes decide."""

_BLIND_TYPES: Final = frozenset({"lb", "db-master", "memcached", "monitoring-master", "redis", "ecs-cluster"})
"""Layers that serve no app; their nodes get no app's secrets."""

_NO_APPS: Final = frozenset(
    {"sync_remote_users", "grant_remote_access", "revoke_remote_access", "update_agent", "deregister"}
)
_ONE_APP: Final = frozenset({"deploy", "undeploy", "rollback", "start", "stop", "restart", "execute_recipes"})

_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_-]")


def sanitised(text: str) -> str:
    """An item name made from an ARN or a balancer's name (§ 2).

    >>> sanitised("arn:aws:rds:us-west-2:850906259207:db:dummy-project")
    'arn_aws_rds_us-west-2_850906259207_db_dummy-project'
    """
    return _NOT_IN_NAME.sub("_", text)


def moment(at: datetime) -> str:
    """A time as recipes read it: `2015-11-18T00:21:05+00:00`."""
    return at.astimezone(UTC).isoformat(timespec="seconds")


def public_parts(world: World) -> dict[str, Item]:
    """Every part of the stack's policy by name, without any secret. Its values are ready for canonical JSON."""
    parts: dict[str, Item] = {"stack": stack_item(world.stack)}
    parts |= {f"layer/{layer.id}": layer_item(layer) for layer in world.layers}
    parts |= {f"instance/{instance.id}": instance_item(instance) for instance in world.instances}
    parts |= {f"app/{app.id}": app_item(app, world.databases) for app in world.apps}
    parts |= {f"user/{user.arn}": user_item(user) for user in world.users}
    parts |= {f"rds/{db.arn}": database_item(db) for db in world.databases if db.registered}
    parts |= {f"elb/{balancer.name}": balancer_item(balancer) for balancer in world.balancers}
    parts |= {f"ecs/{cluster.arn}": cluster_item(cluster) for cluster in world.clusters}
    return parts


def deploy_apps(command_type: str, app_ids: Collection[str], world: World) -> tuple[str, ...]:
    """Ids of the apps whose `deploy` flag is true in this command (§ 6)."""
    if command_type == "setup":
        return tuple(app.id for app in world.apps)
    if command_type in _ONE_APP:
        return tuple(app.id for app in world.apps if app.id in app_ids)
    return ()


def secrets_for(
    world: World, instance: InstanceOf, command_type: str, deploying: Collection[str], *, minimise: bool = True
) -> dict[str, dict[str, Item]]:
    """What completes the public parts for one node and one command: bag, then item, then the secret fields.

    With `minimise`, keys and passwords of an app are left null while its `deploy` flag is false (§ 6). An app's secrets
    go only to nodes with a layer that may serve it; those of databases only to nodes that get an app's environment.
    Credentials of the cookbook source stay on the server, which alone uses them, unless `minimise` is off.
    """
    secrets: dict[str, dict[str, Item]] = {}

    def put(kind: str, item: str, fields: Item) -> None:
        if fields:
            secrets.setdefault(BAG_OF[kind], {})[item] = fields

    if not minimise:
        put("stack", world.stack.id, _stack_secrets(world.stack))
    put("instance", instance.hostname, {"self": True, "ssh_host_rsa_key_private": instance.rsa.private})
    if command_type in _NO_APPS:
        return secrets
    for app in visible_apps(world, instance):
        put("app", app.shortname, _app_secrets(app, world.databases, whole=app.id in deploying or not minimise))
    if visible_apps(world, instance):
        for db in world.databases:
            if db.registered and db.password is not None:
                put("rds", sanitised(db.arn), {"db_password": db.password})
    return secrets


def visible_apps(world: World, instance: InstanceOf) -> list[AppOf]:
    """The apps whose secrets this instance may see, by the types of its layers."""
    types = {layer.type for layer in world.layers if layer.id in instance.layer_ids}
    seen: list[AppOf] = []
    for app in world.apps:
        for layer_type in types - _BLIND_TYPES:
            served = APP_TYPES_OF_LAYER.get(layer_type)
            if served is None or app.type in served:
                seen.append(app)
                break
    return seen


def masked_values(secrets: Any) -> tuple[str, ...]:
    """Every secret text of at least four characters, longest first: what logs must never show (S14)."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, str) and len(value) >= 4:
            found.add(value)
        elif isinstance(value, dict):
            for inner in value.values():
                walk(inner)

    walk(secrets)
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def own_resources(world: World, instance_id: str) -> dict[str, dict[str, Item]]:
    """The bags `opsworks_volume` and `opsworks_raid_array` of one instance (§ 3.10)."""
    bags: dict[str, dict[str, Item]] = {}
    for bag, rows in (("opsworks_volume", world.volumes), ("opsworks_raid_array", world.raid_arrays)):
        bags[bag] = {row.id: {"id": row.id, **row.fields} for row in rows if row.instance_id == instance_id}
    return bags


# -- one function per bag, field by field as chapter 06 § 3 ----------------------------------------------------------


def stack_item(stack: StackOf) -> Item:
    source = stack.source or SourceOf()
    return {
        "id": stack.id,
        "stack_id": stack.id,
        "name": stack.name,
        "arn": stack.arn,
        "region": stack.region,
        "vpc_id": stack.vpc_id,
        "use_custom_cookbooks": stack.use_custom_cookbooks,
        "custom_cookbooks_source": {
            "type": source.type,
            "url": source.url,
            "username": source.username,
            "password": None,
            "ssh_key": None,
            "revision": source.revision,
        },
    }


def layer_item(layer: LayerOf) -> Item:
    item: Item = {
        "id": layer.shortname,
        "layer_id": layer.id,
        "name": layer.name,
        "shortname": layer.shortname,
        "type": layer.type,
        "packages": list(layer.packages),
        "volume_configurations": [_volume_configuration(volume) for volume in layer.volume_configurations],
    }
    if layer.ecs_cluster_arn is not None:
        item["ecs_cluster_arn"] = layer.ecs_cluster_arn
    return item


def _volume_configuration(volume: VolumeConfiguration) -> Item:
    return {
        "mount_point": volume.mount_point,
        "number_of_disks": volume.number_of_disks,
        "raid_level": volume.raid_level,
        "size": volume.size,
        "volume_type": volume.volume_type,
        "iops": volume.iops,
        "encrypted": volume.encrypted,
    }


def instance_item(instance: InstanceOf) -> Item:
    """As all nodes see it: `self` false, no private host key."""
    return {
        "id": instance.hostname,
        "instance_id": instance.id,
        "ec2_instance_id": instance.machine_id,
        "hostname": instance.hostname,
        "layer_ids": list(instance.layer_ids),
        "self": False,
        "status": instance.status,
        "private_ip": instance.private_ip,
        "public_ip": instance.public_ip,
        "private_dns": instance.private_dns,
        "public_dns": instance.public_dns,
        "elastic_ip": instance.elastic_ip,
        "availability_zone": instance.availability_zone,
        "subnet_id": instance.subnet_id,
        "os": instance.os,
        "ami_id": instance.ami_id,
        "architecture": instance.architecture,
        "instance_type": instance.instance_type,
        "virtualization_type": instance.virtualization_type,
        "root_device_type": instance.root_device_type,
        "root_device_volume_id": instance.root_device_volume_id,
        "ebs_optimized": instance.ebs_optimized,
        "auto_scaling_type": instance.auto_scaling_type,
        "created_at": moment(instance.created_at),
        "infrastructure_class": instance.infrastructure_class,
        "ssh_host_rsa_key_fingerprint": instance.rsa.fingerprint,
        "ssh_host_rsa_key_public": instance.rsa.public,
        "ssh_host_rsa_key_private": None,
        "ssh_host_dsa_key_fingerprint": None,
        "ssh_host_dsa_key_public": None,
        "ssh_host_dsa_key_private": None,
    }


def self_item(instance: InstanceOf) -> Item:
    """As the node itself sees it."""
    return instance_item(instance) | {"self": True, "ssh_host_rsa_key_private": instance.rsa.private}


def app_item(app: AppOf, databases: Iterable[DatabaseOf] = ()) -> Item:
    """As all nodes see it: no keys, no passwords, protected variables null, `deploy` false."""
    attributes, database = app.attributes, app_database(app, databases)
    return {
        "id": app.shortname,
        "app_id": app.id,
        "name": app.name,
        "shortname": app.shortname,
        "type": app.type,
        "deploy": False,
        "app_source": {
            "type": app.source.type,
            "url": app.source.url,
            "user": app.source.username,
            "password": None,
            "ssh_key": None,
            "revision": app.source.revision,
        },
        "attributes": {
            "document_root": attributes.get("DocumentRoot"),
            "auto_bundle_on_deploy": (attributes.get("AutoBundleOnDeploy") or "true").lower() == "true",
            "rails_env": attributes.get("RailsEnv"),
            "aws_flow_ruby_settings": {},
        },
        "data_sources": [_data_source(source) for source in app.data_sources] or [{"type": "None"}],
        "domains": [domain for domain in app.domains if domain != app.shortname] + [app.shortname],
        "enable_ssl": app.enable_ssl,
        "ssl_configuration": {"certificate": app.certificate, "private_key": None, "chain": app.chain},
        "environment": {variable.key: None if variable.secure else variable.value for variable in app.environment},
        "database": {key: None if key == "password" else value for key, value in database.items()},
    }


def app_database(app: AppOf, databases: Iterable[DatabaseOf]) -> Item:
    """The ready-made connection of an app: the nine keys of 05 § 5.1, or nothing at all without a data source."""
    source = next((source for source in app.data_sources if source.type != "None"), None)
    db = next((db for db in databases if source is not None and db.arn == source.arn), None)
    if source is None or db is None:
        return {}
    engine = db.engine or "mysql"
    return {
        "host": db.address,
        "port": db.port,
        "database": source.database_name or app.shortname,
        "username": db.user,
        "password": db.password,
        "adapter": "mysql2" if engine == "mysql" and app.type == "rails" else engine,
        "type": "postgresql" if engine.startswith("postgres") else "mysql",
        "data_source_provider": db.provider,
        "reconnect": True,
    }


def _data_source(source: DataSource) -> Item:
    return {"type": source.type, "arn": source.arn, "database_name": source.database_name}


def user_item(user: UserOf) -> Item:
    return {
        "id": user.username,
        "username": user.username,
        "iam_user_arn": user.arn,
        "unix_user_id": user.unix_user_id,
        "ssh_public_key": user.ssh_public_key,
        "administrator_privileges": user.sudo,
        "remote_access": False,
    }


def database_item(db: DatabaseOf) -> Item:
    return {
        "id": sanitised(db.arn),
        "rds_db_instance_arn": db.arn,
        "db_instance_identifier": db.identifier,
        "address": db.address,
        "port": db.port,
        "engine": db.engine,
        "db_user": db.user,
        "db_password": None,
        "region": db.region,
        "missing_on_rds": db.missing,
    }


def balancer_item(balancer: BalancerOf) -> Item:
    return {
        "id": sanitised(balancer.name),
        "elastic_load_balancer_name": balancer.name,
        "dns_name": balancer.dns_name,
        "layer_id": balancer.layer_id,
    }


def cluster_item(cluster: ClusterOf) -> Item:
    return {"id": sanitised(cluster.arn), "ecs_cluster_arn": cluster.arn, "ecs_cluster_name": cluster.name}


def command_item(
    *,
    command_id: str,
    type: str,
    args: Mapping[str, Any],
    sent_at: datetime,
    user_arn: str | None,
    instance_id: str,
    deployment_id: str | None,
    comment: str | None,
) -> Item:
    """The one item of `aws_opsworks_command`; `sent_at` is the time of the first dispatch (E-18)."""
    return {
        "id": command_id,
        "command_id": command_id,
        "type": type,
        "args": {"app_ids": [], **args},
        "sent_at": moment(sent_at),
        "iam_user_arn": user_arn,
        "instance_id": instance_id,
        "deployment_id": deployment_id,
        "comment": comment,
    }


def _stack_secrets(stack: StackOf) -> Item:
    if stack.source is None or (stack.source.password is None and stack.source.ssh_key is None):
        return {}
    return {"custom_cookbooks_source": {"password": stack.source.password, "ssh_key": stack.source.ssh_key}}


def _app_secrets(app: AppOf, databases: Iterable[DatabaseOf], *, whole: bool) -> Item:
    """`whole` is false while the app is not deployed by this command: then keys and passwords stay null."""
    secrets: Item = {}
    if protected := {variable.key: variable.value for variable in app.environment if variable.secure}:
        secrets["environment"] = protected
    if (database := app_database(app, databases)) and database["password"] is not None:
        secrets["database"] = {"password": database["password"]}
    if not whole:
        return secrets
    source = {"password": app.source.password, "ssh_key": app.source.ssh_key}
    if kept := {field: value for field, value in source.items() if value is not None}:
        secrets["app_source"] = kept
    if app.private_key is not None:
        secrets["ssl_configuration"] = {"private_key": app.private_key}
    return secrets
