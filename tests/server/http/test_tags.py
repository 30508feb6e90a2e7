"""Tags on their way from a stack and its layers to what a recipe reads (chapter 08 § 11)."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.fakes.agents import Agent
from tests.server.http.fleet import Fleet
from tests.server.operations.calls import Caller
from toque.core.world import World
from toque.daemon.snapshot import build_snapshot
from toque.protocol.keys import from_text
from toque.protocol.messages import (
    MANIFEST_PATH,
    PARTS_PATH,
    Manifest,
    ManifestRequest,
    PartsAnswer,
    PartsRequest,
    SignedObject,
)


def next_run(agent: Agent, instance_id: str) -> tuple[dict[str, str], Any]:
    """The digests of the next command's policy, and `node` as its recipes read it; the command is carried out."""
    envelope = agent.open(agent.poll())
    assert envelope is not None
    agent.acknowledge(envelope)
    signed = agent.post(MANIFEST_PATH, ManifestRequest(envelope.manifest_version)).as_(SignedObject)
    names = msgspec.json.decode(from_text(signed.payload), type=Manifest).parts
    bodies = agent.post(PARTS_PATH, PartsRequest(tuple(names.values()))).as_(PartsAnswer).parts
    parts = {name: msgspec.json.decode(bodies[digest]) for name, digest in names.items()}
    snapshot = build_snapshot(parts, agent.data(envelope), instance_id)
    assert agent.finish(envelope).status == 200
    return dict(names), World(bags=snapshot["bags"], levels=snapshot["levels"], me=snapshot["self"]).node


def tag(fleet: Fleet, kind: str, id: str, **tags: str) -> None:
    arn = f"arn:aws:opsworks:test:{fleet.services.keys.account_id}:{kind}/{id}/"
    Caller(fleet.services)("TagResource", ResourceArn=arn, Tags=tags)


def test_08_11_a_recipe_reads_the_tags_of_its_stack_and_layers(fleet_on_either: Fleet) -> None:
    fleet = fleet_on_either
    fleet.stack("s")
    agent = fleet.instance("s", "web1")
    fleet.command("web1")
    untagged, node = next_run(agent, "web1")
    assert node["tags"] == {}

    tag(fleet, "stack", "s", Stage="P", Org="M")
    tag(fleet, "layer", "s-app", Stage="test")
    fleet.command("web1")
    tagged, node = next_run(agent, "web1")

    assert node["tags"] == {"Org": "M", "Stage": "test"}
    assert node.get("tags.Stage") == "test"
    changed = {name for name, digest in tagged.items() if untagged[name] != digest}
    assert changed == {"stack", "layer/s-app"}, "no part of an instance is stored anew"
