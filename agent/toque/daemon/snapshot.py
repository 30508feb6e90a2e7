"""The world as one run sees it: the policy's public parts, completed by what was sealed for this node (chapter 06)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from toque.protocol.messages import CommandData

BAG_OF_PART: Final = {
    "stack": "aws_opsworks_stack",
    "layer": "aws_opsworks_layer",
    "instance": "aws_opsworks_instance",
    "app": "aws_opsworks_app",
    "user": "aws_opsworks_user",
    "rds": "aws_opsworks_rds_db_instance",
    "elb": "aws_opsworks_elastic_load_balancer",
    "ecs": "aws_opsworks_ecs_cluster",
}

TAGS: Final = "tags"
"""The level of the attribute chain, its weakest, that the server does not send: the node makes it from the policy."""


def build_snapshot(parts: Mapping[str, Mapping[str, Any]], data: CommandData, instance_id: str) -> dict[str, Any]:
    """What `snapshot.json` holds. `parts` maps a manifest's part names to bag items.

    Secrets are merged over items of the same bag and name; of a bag or an item that the policy does not list, they make
    one. The node's own item says `self`, and an app's item says whether this command deploys it.
    """
    bags: dict[str, dict[str, Any]] = {bag: {} for bag in BAG_OF_PART.values()}
    for name, part in parts.items():
        bag = BAG_OF_PART.get(name.partition("/")[0])
        if bag is not None:
            bags[bag][str(part.get("id", name))] = dict(part)
    if data.app_snapshot is not None:
        app = data.app_snapshot
        bags["aws_opsworks_app"].setdefault(str(app.get("id", app.get("shortname", ""))), dict(app))
    for bag, items in data.secrets.items():
        for item, fields in items.items():
            known = bags.setdefault(bag, {}).setdefault(item, {"id": item})
            bags[bag][item] = merged(known, fields)
    for app in bags["aws_opsworks_app"].values():
        app["deploy"] = app.get("app_id") in data.deploy_apps
    own: dict[str, Any] = dict(data.self_instance)
    for item in bags["aws_opsworks_instance"].values():
        item["self"] = item.get("instance_id") == instance_id
        if item["self"]:
            item.update(merged(item, own))
            item["self"] = True
            own = item
    for bag, items in data.bags.items():
        bags.setdefault(bag, {}).update(items)
    command = {"id": data.command.get("command_id", ""), **data.command}
    bags["aws_opsworks_command"] = {str(command["id"]): command}
    _spread_tags(bags)
    return {
        "bags": bags,
        "levels": ((TAGS, {"tags": own.get("tags", {})}), *data.levels),
        "command": command,
        "self": own,
        "masked": data.masked,
        "allow_insecure_sources": data.allow_insecure_sources,
    }


def _spread_tags(bags: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """Let layers and instances inherit tags: the stack's, and over them those of an instance's layers, in their order.

    Every stack, layer and instance has `tags` then, perhaps empty.
    """
    of_stack: dict[str, str] = {}
    for stack in bags["aws_opsworks_stack"].values():
        of_stack = stack.setdefault("tags", {})
    own = {layer.get("layer_id"): layer.get("tags", {}) for layer in bags["aws_opsworks_layer"].values()}
    for layer in bags["aws_opsworks_layer"].values():
        layer["tags"] = of_stack | layer.get("tags", {})
    for instance in bags["aws_opsworks_instance"].values():
        instance["tags"] = dict(of_stack)
        for layer_id in instance.get("layer_ids", ()):
            instance["tags"] |= own.get(layer_id, {})


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid over `under`: maps merge, everything else replaces (D14)."""
    result = dict(under)
    for key, value in over.items():
        known = result.get(key)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        result[key] = merged(known, value) if both else value  # type: ignore[arg-type]
    return result
