"""The snapshot that recipes see in tests: the bags of a stack around one node, completed by what a test says.

The shape is that of a run's `snapshot.json`; the node in memory and the kitchen are given the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from toque.core.attributes import merged

Map = Mapping[str, Any]


def snapshot(
    hostname: str,
    ip: str,
    *,
    layers: Sequence[str] | Mapping[str, Map] = (),
    attributes: Map | None = None,
    peers: Mapping[str, Map] | None = None,
    apps: Sequence[Map] = (),
    bags: Mapping[str, Mapping[str, Map]] | None = None,
    command: Map | None = None,
    secrets: Iterable[str] = (),
) -> dict[str, Any]:
    """What `snapshot.json` holds of a stack `test` with this node, its peers and its apps.

    A layer is a name, or a name with fields of its bag item (`{"web": {"type": "python-app"}}`); a peer is an instance
    that is online unless it says otherwise, with `layers` by name. Bags of the test go over those made here.
    """
    given = layers if isinstance(layers, Mapping) else {name: {} for name in layers}
    known: dict[str, Map] = dict(given)
    for peer in (peers or {}).values():
        known |= {name: {} for name in peer.get("layers", ()) if name not in known}
    mine = {"private_ip": ip, "layers": list(given), "self": True}
    instances = {name: _instance(name, number, each) for number, (name, each) in enumerate((peers or {}).items(), 2)}
    instances = {hostname: _instance(hostname, 1, mine), **instances}
    made: dict[str, dict[str, Any]] = {
        "aws_opsworks_stack": {"test": {"id": "test", "name": "test", "stack_id": "stack-test", "region": "local"}},
        "aws_opsworks_layer": {name: _layer(name, each) for name, each in known.items()},
        "aws_opsworks_instance": instances,
        "aws_opsworks_app": {str(app["shortname"]): _app(app) for app in apps},
        "aws_opsworks_command": {"command-1": {"id": "command-1", "command_id": "command-1", "type": "", "args": {}}},
    }
    for bag in ("aws_opsworks_user", "aws_opsworks_rds_db_instance", "aws_opsworks_elastic_load_balancer"):
        made[bag] = {}
    made["aws_opsworks_command"]["command-1"].update(command or {})
    together = merged([made, bags or {}])
    return {
        "bags": together,
        "levels": [["test", dict(attributes or {})]],
        "self": together["aws_opsworks_instance"][hostname],
        "masked": list(secrets),
        "allow_insecure_sources": True,
    }


def _layer(name: str, given: Map) -> dict[str, Any]:
    return {"id": name, "layer_id": f"layer-{name}", "shortname": name, "name": name, "type": "custom", **given}


def _instance(name: str, number: int, given: Map) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": name,
        "instance_id": f"instance-{name}",
        "hostname": name,
        "status": "online",
        "private_ip": f"10.0.0.{10 + number}",
        "public_ip": None,
        "elastic_ip": None,
        "private_dns": f"{name}.test.internal",
        "tags": {},
        "self": False,
        "layer_ids": [f"layer-{layer}" for layer in given.get("layers", ())],
    }
    return {**item, **{key: value for key, value in given.items() if key != "layers"}}


def _app(given: Map) -> dict[str, Any]:
    name = str(given["shortname"])
    item = {"id": name, "app_id": f"app-{name}", "name": name, "type": "other", "deploy": True, "environment": {}}
    return {**item, "app_source": {"type": "other"}, "attributes": {}, "domains": [], **given}
