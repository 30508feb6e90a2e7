"""What the Setup of a node is told of updates of its operating system (02 § 9, 03 § 5)."""

from __future__ import annotations

import msgspec
import pytest

from tests.server.http.fleet import Fleet
from toque_server.domain.layer import LayerSecrets
from toque_server.settings import Settings
from toque_server.store import layers


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The stacks of these tests are in a region of sandboxes, so the installation says that those count, too."""
    return msgspec.structs.replace(settings, updates_on_boot="always")


def told(fleet: Fleet, name: str, **args: bool) -> bool:
    fleet.command(name, "setup", args=args)
    agent = fleet.agents[name]
    envelope = agent.open(agent.poll())
    assert envelope is not None
    command = agent.data(envelope).command
    agent.acknowledge(envelope)
    agent.finish(envelope)
    return bool(command["args"].get("install_updates", False))


def test_02_20_the_setup_after_a_boot_is_told_what_instance_and_layers_say(fleet: Fleet) -> None:
    fleet.stack("s")
    fleet.instance("s", "web")

    assert told(fleet, "web", after_boot=True)
    assert not told(fleet, "web")

    with fleet.database.write() as conn:
        layer = layers.get(conn, "s-app")
        assert layer is not None
        unwanted = msgspec.structs.replace(layer, install_updates_on_boot=False)
        layers.update(conn, fleet.services.vault, unwanted, LayerSecrets())
    assert not told(fleet, "web", after_boot=True)
