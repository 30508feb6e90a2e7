"""What a node sees: the items of every data bag, split into public parts and what is sealed to one node (chapter 06).

A *part* is one bag item as every node of the stack may read it: it goes into the policy, is stored once by its digest
and fetched once. Where an item has a secret field, the part holds null there, and `secrets_for` gives the value to the
nodes that may see it; the agent merges it over the part. The prefix of a part's name says its bag.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from toque_server.domain.bag_items import (
    Item,
    app_database,
    app_item,
    balancer_item,
    cluster_item,
    database_item,
    instance_item,
    layer_item,
    sanitised,
    stack_item,
    user_item,
)
from toque_server.domain.data_sources import passwords_seen
from toque_server.domain.world import (
    AppOf,
    DatabaseOf,
    InstanceOf,
    StackOf,
    World,
)

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
    go only to nodes with a layer that may serve it; those of databases only where `visible_databases` says so.
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
    for db in visible_databases(world, instance):
        if db.password is not None:
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


def visible_databases(world: World, instance: InstanceOf) -> list[DatabaseOf]:
    """The registered databases whose passwords this instance may see: none unless one of its layers serves apps."""
    types = {layer.type for layer in world.layers if layer.id in instance.layer_ids}
    return passwords_seen(world.apps, visible_apps(world, instance), world.databases) if types - _BLIND_TYPES else []


def masked_values(secrets: Any) -> tuple[str, ...]:
    """Every secret text of at least four characters, longest first: what logs must never show (S14)."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, str) and len(value) >= 4:
            found.add(value)
        elif isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                walk(inner)

    walk(secrets)
    return tuple(sorted(found, key=lambda text: (-len(text), text)))


def secret_fields(app: Item) -> Item:
    """The fields of an app's complete item that may hold a secret."""
    return {
        "app_source": {key: app["app_source"][key] for key in ("password", "ssh_key")},
        "ssl_configuration": {"private_key": app["ssl_configuration"]["private_key"]},
        "database": {"password": app["database"].get("password")},
        "environment": app["environment"],
    }


def free_bags(
    stored: Mapping[str, Mapping[str, Item]], levels: Iterable[tuple[str, Mapping[str, Any]]]
) -> dict[str, dict[str, Item]]:
    """The data bags of users: stored items, and over them `opsworks.data_bags` of each level's custom JSON (§ 5.3)."""
    bags: dict[str, dict[str, Item]] = {bag: dict(items) for bag, items in stored.items()}
    for _, level in levels:
        opsworks = level.get("opsworks")
        given = opsworks.get("data_bags") if isinstance(opsworks, dict) else None
        for bag, items in (given or {}).items() if isinstance(given, dict) else ():
            for item, value in items.items() if isinstance(items, dict) else ():
                if isinstance(value, dict):
                    kept = bags.setdefault(bag, {})
                    kept[item] = merged(kept.get(item, {}), value)
    return {bag: {item: {**value, "id": item} for item, value in items.items()} for bag, items in bags.items()}


def own_connections(
    levels: Iterable[tuple[str, Mapping[str, Any]]], apps: Iterable[AppOf], command_type: str
) -> dict[str, Item]:
    """What custom JSON says of these apps' databases, `deploy.<short name>.database`, by short name (05 § 5.1).

    Each key that it names goes over the one of the data source; the others stay.
    """
    names = () if command_type in _NO_APPS else tuple(app.shortname for app in apps)
    found: dict[str, Item] = {}
    for _, level in levels:
        deploy = level.get("deploy")
        by_app = deploy if isinstance(deploy, dict) else {}
        for name in names:
            given = by_app.get(name)
            database = given.get("database") if isinstance(given, dict) else None
            if isinstance(database, dict):
                found[name] = merged(found.get(name, {}), database)
    return found


def merged(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> Item:
    """Objects merge, everything else is replaced as a whole, null included (§ 5.2)."""
    result = dict(weak)
    for key, value in strong.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def app_snapshot(app: AppOf, databases: Iterable[DatabaseOf] = ()) -> Item:
    """The item of an app that is deleted while its undeploy runs, secrets included: no policy shows it any more."""
    databases = tuple(databases)
    return merged(app_item(app, databases), {"deploy": True, **_app_secrets(app, databases, whole=True)})


def own_resources(world: World, instance_id: str) -> dict[str, dict[str, Item]]:
    """The bags `opsworks_volume` and `opsworks_raid_array` of one instance (§ 3.10)."""
    bags: dict[str, dict[str, Item]] = {}
    for bag, rows in (("opsworks_volume", world.volumes), ("opsworks_raid_array", world.raid_arrays)):
        bags[bag] = {row.id: {"id": row.id, **row.fields} for row in rows if row.instance_id == instance_id}
    return bags


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
