"""A machine's whole stay, with a real server and real agents: it comes, works, rests and leaves (chapter 08 § 10)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.together import house as houses
from tests.together.house import House, Node
from toque.daemon import leave
from toque.daemon.state import State
from toque.protocol.keys import new_signing_key
from toque.protocol.registration import own_token, public_pem
from toque.protocol.tokens import parse_token
from toque_server.cli.demo.api import wait_until


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    directory = tmp_path_factory.mktemp("house")
    shutdown = f"from pathlib import Path\n\nPath({str(directory / 'went')!r}).touch()\n"
    with houses.opened(directory, {"goodbye": shutdown}) as opened:
        opened.api("UpdateLayer", LayerId=opened.layer_id, CustomRecipes={"Shutdown": ["work::goodbye"]})
        yield opened


def register(house: House, name: str, **members: object) -> tuple[str, Node]:
    """What the installer does: RegisterInstance, then the agent joins with the key that was registered."""
    key = new_signing_key()
    members = {"StackId": house.stack_id, "Hostname": name, "RsaPublicKey": public_pem(key)} | members
    id = str(house.api("RegisterInstance", **members)["InstanceId"])
    any_token = house.api("CreateJoinToken", StackId=house.stack_id)["Token"]
    token = own_token(id, key, parse_token(any_token).root_fingerprint)
    node = house.nodes[name] = Node(house.server, house.directory / name).start(token.text)
    return id, node


def commands(house: House, id: str) -> list[str]:
    return [each["Type"] for each in reversed(house.api("DescribeCommands", InstanceId=id)["Commands"])]


def is_gone(house: House, id: str) -> bool:
    return id not in {each["InstanceId"] for each in house.instances()}


def test_03_35_to_38_and_08_32_a_machine_comes_works_rests_and_leaves(house: House) -> None:
    went = house.directory / "went"
    other = house.join("other")
    house.wait_for(other, "online")

    id, node = register(house, "iron")
    house.wait_for(id, "registered")
    house.wait_for_quiet()
    assert commands(house, id) == ["setup"]

    house.api("AssignInstance", InstanceId=id, LayerIds=[house.layer_id])
    house.wait_for(id, "online")
    house.wait_for_quiet()
    assert commands(house, id) == ["setup", "setup", "configure"]

    house.api("UnassignInstance", InstanceId=id)
    house.wait_for(id, "registered")
    house.wait_for_quiet()
    assert went.exists()
    assert commands(house, id)[-1] == "shutdown"
    assert node.process is not None
    assert node.process.poll() is None

    house.api("AssignInstance", InstanceId=id, LayerIds=[house.layer_id])
    house.wait_for(id, "online")
    house.wait_for_quiet()
    went.unlink()
    configures = commands(house, other).count("configure")
    made = node.home / "made-by-the-installer"
    made.write_text("a service unit")
    leave.note_installed(State(node.home / "state"), [str(made)])

    house.api("DeregisterInstance", InstanceId=id)
    wait_until("the record to go", lambda: is_gone(house, id), seconds=houses.LONG)
    assert node.process.wait(timeout=30) == 78, node.log()
    house.wait_for_quiet()

    assert went.exists()
    assert commands(house, other).count("configure") == configures + 1
    assert sorted(each.name for each in node.home.iterdir()) == ["agent.log", "log", "token"]
    assert list((node.home / "log" / "runs").glob("*.log"))
