"""Layers as our server takes them, and the recipes that somebody has to port."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from toque.importer.dump import Record
from toque.importer.notes import Notes
from toque.importer.stacks import custom_json
from toque.stackfile.model import FILTERED

CUSTOM: Final = "custom"

TYPES: Final = (
    *(CUSTOM, "lb", "web", "php-app", "rails-app", "nodejs-app", "java-app", "aws-flow-ruby"),
    *("db-master", "memcached", "monitoring-master", "ecs-cluster"),
    *("python-app", "redis"),
)
"""The twelve of OpsWorks, and what we have besides."""

NEEDED: Final = {"db-master": ("MysqlRootPassword",)}
"""Attributes that a layer cannot be without, and that nobody saw."""

EVENTS: Final = ("Setup", "Configure", "Deploy", "Undeploy", "Shutdown")


def adapted(record: Record, notes: Notes) -> dict[str, Any]:
    """The record of a layer, changed where it must be."""
    layer = dict(record)
    if layer["Type"] in TYPES and layer["Type"] != CUSTOM:
        # The short name of a built-in layer is its type's, whatever was said.
        layer["Shortname"] = layer["Type"]
    thing = f"layer {layer['Shortname']}"
    if layer["Type"] not in TYPES:
        notes.changed(
            thing, f"the type {layer['Type']!r} is unknown: it is a custom layer now, without built-in recipes"
        )
        layer["Type"], layer["Attributes"] = CUSTOM, {}
    elif layer["Type"] != CUSTOM:
        said = f"what the type {layer['Type']} does by itself is done by Toque's own cookbook, not by Chef's"
        notes.changed(thing, said)
    layer["CustomJson"] = custom_json(layer.get("CustomJson"), f"{thing}: CustomJson", notes)
    attributes = dict(layer.get("Attributes") or {})
    passwords = [name for name, value in attributes.items() if value and name.endswith("Password")]
    for name in (*passwords, *NEEDED.get(layer["Type"], ())):
        # One that stands in the dump, which OpsWorks never wrote, is none to keep.
        attributes[name] = FILTERED
    for name in [name for name, value in attributes.items() if value == FILTERED]:
        notes.to_do(thing, f"{name} was never shown: a new one is made up, unless it is given with --secrets")
    layer["Attributes"] = attributes
    return layer


def port(layers: Iterable[Record], notes: Notes) -> None:
    """Say, for each cookbook, which of its recipes the layers run: they are kept by name, and must be written anew."""
    used: dict[str, dict[str, None]] = {}
    where: dict[str, dict[str, None]] = {}
    for layer in layers:
        recipes: Mapping[str, Any] = layer.get("CustomRecipes") or {}
        for event in EVENTS:
            for name in recipes.get(event) or ():
                cookbook = name.partition("::")[0]
                used.setdefault(cookbook, {})[name] = None
                where.setdefault(cookbook, {})[layer["Shortname"]] = None
    for cookbook, names in used.items():
        said = f"port to Python, under the same names: {', '.join(names)} (run by {', '.join(where[cookbook])})"
        notes.to_do(f"cookbook {cookbook}", said)
