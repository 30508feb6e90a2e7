"""A machine's whole stay, with a real server and real agents: it comes, works, rests and leaves (chapter 08 § 10)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.together import house as houses
from tests.together.house import TOQUE, House, Node
from toque.daemon import leave
from toque.daemon.state import State
from toque.protocol.keys import new_signing_key
from toque.protocol.registration import own_token, public_pem
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
    token = own_token(id, key, root_fingerprint(house))
    node = house.nodes[name] = Node(house.server, house.directory / name).start(token.text)
    return id, node


def root_fingerprint(house: House) -> str:
    return str(
        house.api("DescribeStackProvisioningParameters", StackId=house.stack_id)["Parameters"]["root_fingerprint"]
    )


def commands(house: House, id: str) -> list[str]:
    return [each["Type"] for each in reversed(house.api("DescribeCommands", InstanceId=id)["Commands"])]


def is_gone(house: House, id: str) -> bool:
    return id not in {each["InstanceId"] for each in house.instances()}


def wait_as_clients_do(house: House, waiter: str, id: str) -> None:
    argv = [*TOQUE, "opsworks", "wait", waiter, "--instance-ids", id]
    environment = os.environ | {
        "TOQUE_SERVER_URL": house.server.url,
        "TOQUE_ACCESS_KEY_ID": house.server.secrets["access_key_id"],
        "TOQUE_SECRET_ACCESS_KEY": house.server.secrets["secret_access_key"],
    }
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=houses.LONG, check=False)
    assert done.returncode == 0, done.stderr


def test_03_35_to_38_and_08_30_32_33_a_machine_comes_works_rests_and_leaves(house: House) -> None:
    went = house.directory / "went"
    other = house.join("other")
    house.wait_for(other, "online")

    id, node = register(house, "iron")
    house.wait_for(id, "registered")
    wait_as_clients_do(house, "instance-registered", id)
    house.wait_for_quiet()
    assert (house.status(id), commands(house, id)) == ("registered", ["setup"])

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


def test_a_machine_that_was_registered_with_an_rsa_key_enrols_with_it(house: House, tmp_path: Path) -> None:
    key, file = rsa.generate_private_key(65537, 2048), tmp_path / "key.pem"
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    id = house.api("RegisterInstance", StackId=house.stack_id, Hostname="iron2", RsaPublicKey=public_pem(key))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOQUE_AGENT_")} | {
        "TOQUE_AGENT_STATE_DIR": str(tmp_path / "state"),
        "TOQUE_AGENT_CONFIG": str(tmp_path / "agent.toml"),
    }
    words = ["--instance-id", id["InstanceId"], "--key", str(file), "--root-fingerprint", root_fingerprint(house)]

    argv = [*TOQUE, "agent", "enrol", "--server", house.server.url, *words]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == f"this machine is instance {id['InstanceId']} of stack {house.stack_id} now\n", done.stderr
    assert (tmp_path / "state/installed").read_text() == f"{tmp_path}/agent.toml\n"
    refused = subprocess.run(
        argv[:-2],
        env=environment | {"TOQUE_AGENT_STATE_DIR": str(tmp_path / "other")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "all of --instance-id, --key and --root-fingerprint" in refused.stderr
