"""What the types cannot say: names that must lead somewhere within the file, and settings that go together."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator

from toque.core.errors import did_you_mean
from toque.stackfile.model import App, CustomJson, Instance, StackFile
from toque.stackfile.problems import Path

Complaint = tuple[Path, str]

_ALL_HOURS = frozenset(str(hour) for hour in range(24))


def complaints(document: StackFile) -> Iterator[Complaint]:
    """Where the document contradicts itself, and what would do."""
    yield from _clusters(document)
    yield from _layers(document)
    for name, instance in (document.instances or {}).items():
        yield from _instance(document, ("instances", name), instance)
    for name, app in (document.apps or {}).items():
        yield from _app(document, ("apps", name), app)
    for section in ("elastic_ips", "volumes"):
        for name, each in (getattr(document, section) or {}).items():
            yield from _leads((section, name, "instance"), each.instance, document.instances, "instances")
    yield from _texts(document)


def _clusters(document: StackFile) -> Iterator[Complaint]:
    if len(document.ecs_clusters or ()) > 1:
        yield ("ecs_clusters", 1), "a stack has one cluster: please leave this one out"


def _layers(document: StackFile) -> Iterator[Complaint]:
    balancers: dict[str, str] = {}
    for name, layer in (document.layers or {}).items():
        if layer.type != "custom" and layer.type != name:
            message = f"the short name of a layer of type {layer.type} is {layer.type}: please call it so"
            yield ("layers", name, "type"), message
        for key, value in layer.attributes.items():
            if key.endswith("Password") and isinstance(value, str):
                message = "no secret stands in this file: please write !secret NAME, and give it apart"
                yield ("layers", name, "attributes", key), message
        if layer.load_balancer is not None:
            other = balancers.setdefault(layer.load_balancer, name)
            if other != name:
                where: Path = ("layers", name, "load_balancer")
                yield where, f"{layer.load_balancer} is that of layer {other}, and a balancer has one layer"


def _instance(document: StackFile, path: Path, instance: Instance) -> Iterator[Complaint]:
    if not instance.layers:
        yield (*path, "layers"), "an instance is in at least one layer"
    for number, name in enumerate(instance.layers):
        yield from _leads((*path, "layers", number), name, document.layers, "layers")
    if instance.schedule and instance.auto_scaling_type != "timer":
        yield (*path, "schedule"), "a schedule needs auto_scaling_type: timer"
    for day, switches in instance.schedule.items():
        for hour in switches:
            if hour not in _ALL_HOURS:
                yield (*path, "schedule", day, hour), "hours are 0 to 23, in UTC"


def _app(document: StackFile, path: Path, app: App) -> Iterator[Complaint]:
    for number, source in enumerate(app.data_sources):
        here = (*path, "data_sources", number)
        yield from _leads((*here, "instance"), source.instance, document.instances, "instances")
        if source.type == "RdsDbInstance":
            if source.arn is None:
                yield here, "arn is missing: that of a database under rds_db_instances"
            yield from _leads((*here, "arn"), source.arn, document.rds_db_instances, "rds_db_instances")
        elif source.type == "OpsworksMysqlInstance" and source.instance is None:
            yield here, "instance is missing: the host name of an instance of the stack's MySQL layer"


def _leads(path: Path, name: str | None, there: Collection[str] | None, section: str) -> Iterator[Complaint]:
    """A section that the file does not have is the server's; whether it has the name is seen there."""
    if name is not None and there is not None and name not in there:
        yield path, f"{section} has no {name}{did_you_mean(name, there)}"


def _texts(document: StackFile) -> Iterator[Complaint]:
    yield from _json(("stack", "custom_json"), document.stack.custom_json)
    for section in ("layers", "instances", "apps"):
        for name, each in (getattr(document, section) or {}).items():
            for field in ("custom_json", "node_attributes"):
                yield from _json((section, name, field), getattr(each, field, {}))


def _json(path: Path, value: CustomJson) -> Iterator[Complaint]:
    if not isinstance(value, str):
        return
    try:
        parsed = json.loads(value)
    except ValueError as error:
        yield path, f"this text is not JSON ({error}); it may be written as a YAML mapping, too"
        return
    if not isinstance(parsed, dict):
        yield path, "this must be a JSON object"
