"""What the installer does on a machine, against a real server: register, join, leave an agent that runs."""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from werkzeug.serving import make_server

from tests.fakes.web import Page, Web
from tests.server.http.fleet import Fleet
from tests.server.operations.calls import Caller
from toque.cli import agent_service, boot_registration
from toque.cli.boot_registration import AlreadyRegistered, register
from toque.cli.connection import CallFailed
from toque.cli.preconfig import written
from toque.daemon.client import Refused
from toque.daemon.identity import Identity
from toque.daemon.trust import NotBelieved
from toque.testing.machine import FakeHost, Unit
from toque_server.operations.context import Services
from toque_server.shipped import systemd
from toque_server.wsgi import create_app


class Machine:
    """A machine with systemd: its files are below `root`, what it starts is a fake's."""

    def __init__(self, root: Path, server: Server) -> None:
        self.host = FakeHost(
            units={agent_service.NAME: Unit()}, files={"/etc/systemd/system/other.service": "", "/run/x": ""}
        )
        self.folder, self.state, self._server = root / "installer", root / "state", server
        self.folder.mkdir(parents=True)
        (self.folder / "toque-agent.service").write_text((systemd() / "toque-agent.service").read_text())
        self.settings = root / "etc" / "agent.toml"
        self.environment = {"TOQUE_AGENT_CONFIG": str(self.settings), "TOQUE_AGENT_STATE_DIR": str(self.state)}

    def given(self, stack: str, **instead: Any) -> None:
        """Write what `register` would write."""
        parameters = self._server.root("DescribeStackProvisioningParameters", StackId=stack)["Parameters"]
        key = self._server.root("CreateRegistration", StackId=stack, Machine="web1")
        self.preconfig = parameters | {
            "stack_id": stack,
            "import": False,
            "server_url": self._server.url,
            "access_key_id": key["AccessKeyId"],
            "secret_access_key": key["SecretAccessKey"],
            **instead,
        }
        (self.folder / "preconfig").write_text(written(self.preconfig))

    def register(self, stack: str, **instead: Any) -> Identity:
        self.given(stack, **instead)
        return register(self.folder, self.host, self.environment)


class Server:
    def __init__(self, services: Services, url: str) -> None:
        self.root, self.url = Caller(services), url

    def instances(self, stack: str) -> list[dict[str, Any]]:
        return list(self.root("DescribeInstances", StackId=stack)["Instances"])


@pytest.fixture
def server(services: Services, fleet: Fleet) -> Iterator[Server]:
    """The whole of it on loopback, agents' routes included."""
    serving = make_server("127.0.0.1", 0, create_app(services, nodes=fleet.app), threaded=True)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield Server(services, f"http://127.0.0.1:{serving.server_port}")
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture
def machine(tmp_path: Path, server: Server) -> Machine:
    return Machine(tmp_path / "machine", server)


def test_a_machine_registers_joins_and_its_agent_runs(server: Server, machine: Machine) -> None:
    stack = server.root.stack()

    identity = machine.register(stack, hostname="Iron7", private_ip="10.0.0.7", public_ip="192.0.2.7", ca_pem="a CA\n")

    [view] = server.instances(stack)
    assert view["InstanceId"] == identity.instance_id
    assert (view["Hostname"], view["PrivateIp"], view["PublicIp"]) == ("iron7", "10.0.0.7", "192.0.2.7")
    assert view["RegisteredBy"].endswith(":user/AWS/OpsWorks/OpsWorks-shop-web1")
    ca = machine.settings.parent / "ca.pem"
    assert tomllib.loads(machine.settings.read_text()) == {
        "server_url": server.url,
        "ca_file": str(ca),
        "state_dir": str(machine.state),
        "address": "10.0.0.7",
        "hostname": "Iron7",
    }
    assert ca.read_text() == "a CA\n"
    assert machine.host.units[agent_service.NAME] == Unit(active=True, enabled=True)
    # What leaves with the machine when it is deregistered.
    assert (machine.state / "installed").read_text().splitlines() == [
        str(machine.settings),
        str(ca),
        agent_service.UNIT,
    ]
    assert sorted(each.name for each in machine.state.glob("registration*")) == []
    assert not list((machine.state / "keys").glob("registration*"))


def test_once_more_changes_nothing_and_another_stack_is_refused(server: Server, machine: Machine) -> None:
    stack, other = server.root.stack(), server.root.stack(Name="blog")
    first = machine.register(stack)

    assert machine.register(stack) == first
    with pytest.raises(
        AlreadyRegistered, match=f"is instance {first.instance_id} of stack {stack} already: deregister"
    ):
        machine.register(other)

    assert [each["InstanceId"] for each in server.instances(stack)] == [first.instance_id]
    assert server.instances(other) == []


def test_a_join_that_came_to_no_end_goes_on_as_the_same_instance(server: Server, machine: Machine) -> None:
    stack = server.root.stack()
    # To the server it has joined: its answer was not believed.
    with pytest.raises(NotBelieved):
        machine.register(stack, root_fingerprint="0" * 64)
    [before] = server.instances(stack)

    identity = machine.register(stack)

    assert [each["InstanceId"] for each in server.instances(stack)] == [before["InstanceId"]] == [identity.instance_id]


def test_a_join_that_is_refused_begins_anew_the_next_time(server: Server, machine: Machine) -> None:
    stack = server.root.stack()
    with pytest.raises(NotBelieved):
        machine.register(stack, root_fingerprint="0" * 64)
    [before] = server.instances(stack)
    server.root("RevokeJoinToken", StackId=stack, TokenId=before["InstanceId"])

    with pytest.raises(Refused):
        machine.register(stack)
    after = machine.register(stack)

    assert after.instance_id != before["InstanceId"]


def test_a_refused_registration_says_why_and_can_be_repeated(server: Server, machine: Machine) -> None:
    stack = server.root.stack()
    server.root("RegisterInstance", StackId=stack, Hostname="taken")

    with pytest.raises(CallFailed, match="Hostname taken is taken in this stack"):
        machine.register(stack, hostname="taken")

    assert machine.register(stack, hostname="free").stack_id == stack
    assert {each["Hostname"] for each in server.instances(stack)} == {"taken", "free"}


def test_a_server_whose_root_key_is_another_is_not_believed(server: Server, machine: Machine) -> None:
    stack = server.root.stack()

    with pytest.raises(NotBelieved):
        machine.register(stack, root_fingerprint="0" * 64)

    assert machine.host.ran == []
    assert not machine.settings.exists()


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    web = Web()
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", web.url)
    yield web
    web.close()


def test_a_cloud_machine_shows_its_identity_and_may_use_its_profile_s_key(
    server: Server, machine: Machine, metadata: Web
) -> None:
    stack = server.root.stack()
    document = {"instanceId": "i-0123456789abcdef0", "region": "local", "instanceType": "t3.small"}
    dynamic, roles = "/latest/dynamic/instance-identity", "/latest/meta-data/iam/security-credentials/"
    key = server.root("CreateRegistration", StackId=stack, Machine="profile")
    metadata.pages = {
        f"{dynamic}/document": Page(json.dumps(document).encode()),
        f"{dynamic}/signature": Page(b"c2ln"),
        roles: Page(b"node"),
        f"{roles}node": Page(json.dumps(key | {"AccessKeyId": key["AccessKeyId"]}).encode()),
    }

    machine.register(stack, access_key_id="", secret_access_key="", **{"import": True})

    [view] = server.instances(stack)
    assert (view["InfrastructureClass"], view["Ec2InstanceId"]) == ("ec2", "i-0123456789abcdef0")
    assert view["RegisteredBy"].endswith("OpsWorks-shop-profile")
    assert tomllib.loads(machine.settings.read_text())["provider_instance_id"] == "i-0123456789abcdef0"


def test_what_goes_wrong_is_one_line_and_exit_status_1(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)

    assert boot_registration.main([str(machine.folder)]) == 1

    said = capsys.readouterr().err
    assert said.startswith(f"boot-registration: {machine.folder}/preconfig cannot be read")
    assert said.count("\n") == 1


def test_settings_of_an_administrator_stay(server: Server, machine: Machine) -> None:
    machine.settings.parent.mkdir()
    machine.settings.write_text('minimum_free_mb = 64\nserver_url = "https://former.example"\n')

    machine.register(server.root.stack())

    kept = tomllib.loads(machine.settings.read_text())
    assert (kept["minimum_free_mb"], kept["server_url"]) == (64, server.url)


def test_what_the_shell_part_has_made_is_noted(server: Server, machine: Machine) -> None:
    machine.environment[boot_registration.MADE_BY_US] = "/opt/toque"

    machine.register(server.root.stack())

    assert (machine.state / "installed").read_text().splitlines()[0] == "/opt/toque"
    assert msgspec.json.decode((machine.state / "identity.json").read_bytes())["instance_id"]
