"""`toque opsworks register` against a real server: what it asks, what it hands to the machine, how it ends."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.fakes.ec2 import REGION, ec2
from tests.fakes.web import Page, Web
from tests.server.http.serving import served
from tests.server.operations.calls import Caller
from toque.cli.opsworks import opsworks
from toque.cli.preconfig import read
from toque_server.cli.init import first_administrator
from toque_server.operations import identity
from toque_server.operations.context import Services


@pytest.fixture
def root(services: Services) -> Caller:
    return Caller(services)


class Client:
    """The command, on a machine from which another is reached by a program that notes its words."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.said, self._environment = folder / "said.json", environment
        reach = folder / "reach"
        reach.write_text(
            f"#!{sys.executable}\nimport json, sys\nopen({str(self.said)!r}, 'w').write(json.dumps(sys.argv[1:]))\n"
            "sys.exit('fail' in sys.argv)\n"
        )
        reach.chmod(0o755)
        self.reach = shlex.quote(str(reach))

    def __call__(self, stack: str, *words: str, kind: str = "on-premises") -> Result:
        argv = ["register", "--stack-id", stack, "--infrastructure-class", kind, *words]
        return CliRunner().invoke(opsworks, argv, env=self._environment)

    def preconfig(self, folder: Path) -> Any:
        """What the script would write on the machine."""
        script = shlex.split(json.loads(self.said.read_text())[-1])[-1]
        lines = script.split("<<'END_OF_PRECONFIG'\n")[1].split("\nEND_OF_PRECONFIG")[0]
        (folder / "preconfig").write_text(lines)
        return read(folder / "preconfig")


@pytest.fixture
def client(services: Services, tmp_path: Path) -> Iterator[Client]:
    with served(services) as url:
        token = first_administrator(services)["api_token"]
        yield Client(tmp_path, {"TOQUE_SERVER_URL": url, "TOQUE_API_TOKEN": token, "HOME": str(tmp_path)})


def test_the_machine_gets_an_identity_of_its_own_and_what_was_overridden(
    services: Services, root: Caller, client: Client, tmp_path: Path
) -> None:
    stack = root.stack()
    words = ["--override-private-ip", "10.0.0.7", "--override-public-ip", "192.0.2.7", "--override-ssh", client.reach]

    done = client(stack, "iron7.example", "--override-hostname", "Iron7", *words, "--region", "anywhere")

    assert done.exit_code == 0, done.output
    given = client.preconfig(tmp_path)
    assert (given.stack_id, given.hostname, given.is_cloud) == (stack, "Iron7", False)
    assert (given.private_ip, given.public_ip) == ("10.0.0.7", "192.0.2.7")
    assert given.root_fingerprint == services.keys.root_fingerprint
    holder = identity.by_access_key(services, given.access_key_id)
    assert holder is not None
    assert (holder.secret, holder.principal.registers) == (given.secret_access_key, stack)
    assert holder.principal.name == "OpsWorks-shop-Iron7"


def test_a_host_name_that_is_there_is_refused_before_anything_is_made(root: Caller, client: Client) -> None:
    stack = root.stack()
    root("RegisterInstance", StackId=stack, Hostname="iron7")

    done = client(stack, "x", "--override-hostname", "IRON7", "--override-ssh", client.reach)

    assert done.exit_code == 255
    assert "Invalid hostname: 'IRON7'. Hostnames must be unique within a stack." in done.output
    assert not client.said.exists()


def test_failures_have_the_codes_of_every_other_command(root: Caller, client: Client) -> None:
    stack = root.stack()

    unknown = client("nowhere", "x", "--override-ssh", client.reach)
    on_machine = client(stack, "x", "--override-ssh", f"{client.reach} fail")
    no_program = client(stack, "x", "--override-ssh", "/nowhere/ssh")
    misspelt = client(stack, "x", "--overide-ssh", client.reach)

    assert (unknown.exit_code, "nowhere" in unknown.output) == (254, True)
    assert (on_machine.exit_code, "ended with 1; what it said is above" in on_machine.output) == (255, True)
    assert (no_program.exit_code, "/nowhere/ssh cannot be started" in no_program.output) == (255, True)
    assert (misspelt.exit_code, "--override-ssh" in misspelt.output) == (252, True)


def test_help_is_asked_for_as_with_aws() -> None:
    done = CliRunner().invoke(opsworks, ["register", "help"])

    assert done.exit_code == 0
    assert "Install the agent on a machine and register the machine with a stack." in done.output


def test_a_cloud_machine_must_be_in_the_stack_s_region(
    root: Caller, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = Web()
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url)
    document = json.dumps({"instanceId": "i-0123456789abcdef0", "region": "elsewhere"}).encode()
    for name, body in (("document", document), ("signature", b"c2ln")):
        metadata.pages[f"/latest/dynamic/instance-identity/{name}"] = Page(body)

    done = client(root.stack(), "--local", kind="ec2")

    metadata.close()
    assert done.exit_code == 255
    assert "The stack's and the instance's region must match." in done.output


def test_a_cloud_machine_is_found_at_ec2_and_may_bring_its_own_key(
    services: Services, root: Caller, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ec2(monkeypatch) as cloud:
        machine = cloud.run("web1")
        stack = root.stack(Region=REGION, VpcId=machine["VpcId"], DefaultSubnetId=machine["SubnetId"])

        done = client(stack, "web1", "--use-instance-profile", "--override-ssh", client.reach, kind="ec2")
        missing = client(stack, "web9", "--use-instance-profile", "--override-ssh", client.reach, kind="ec2")

    assert done.exit_code == 0, done.output
    given = client.preconfig(tmp_path)
    assert (given.is_cloud, given.access_key_id) == (True, "")
    assert (missing.exit_code, "Did not find any instance matching web9." in missing.output) == (255, True)
    with services.database.read() as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM registrations").scalar() == 0
