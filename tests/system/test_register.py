"""Machines that bring themselves into a stack, end to end: the last OpsWorks client and ours, each on a machine.

The machine is a sandbox in which no agent runs: the installer puts it there. Nothing of this host is touched.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.needs import needs, needs_root, needs_that
from tests.system.case_sandbox import Box, a_box
from tests.system.case_systemd import a_machine
from tests.together.house import LONG, TOQUE, Server
from toque import sandbox
from toque.cli import preconfig
from toque_server.cli.demo.api import wait_until

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root(), needs("curl", "tar")]

ROLES = {
    "ServiceRoleArn": "arn:aws:iam::123456789012:role/toque",
    "DefaultInstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/toque",
}
# As sudo does it: what the caller has in his environment is not root's.
SUDO = b'#!/bin/sh\nexec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"\n'
AWS = b'#!/bin/sh\nPYTHONPATH=/opt/aws exec /opt/toque/bin/python -m awscli "$@"\n'


def packages_of(aws: str) -> Path:
    """Where the client's modules are: the clone has this machine's interpreter, and not that of the client."""
    [found] = (Path(aws).absolute().parent.parent / "lib").glob("python3*/site-packages")
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("register")).init().start()
    yield server
    server.stop()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A machine with sudo, and with the OpsWorks client where this machine has one."""
    binds = {"/opt/aws": packages_of(os.environ["TOQUE_AWS"])} if "TOQUE_AWS" in os.environ else {}
    files = {"/usr/local/bin/sudo": (SUDO, 0o755), "/usr/local/bin/aws": (AWS, 0o755)}
    with a_box(tmp_path) as box:
        yield box.start(files=files, binds=binds, hostname="iron7")


@pytest.fixture
def stack(server: Server) -> str:
    # The clone's accounts and its hosts file are its own.
    return str(server.api("CreateStack", Name="iron works", Region="local", **ROLES)["StackId"])


def ran(box: Box, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    settings = [f"{name}={value}" for name, value in environment.items()]
    done = sandbox.execute(box.spec.directory, ["env", *settings, *words])
    return subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())


def registered(server: Server, stack: str, box: Box) -> dict[str, Any]:
    """The stack's one instance, once it is registered."""

    def views() -> list[dict[str, Any]]:
        return list(server.api("DescribeInstances", StackId=stack)["Instances"])

    def is_there() -> bool:
        statuses = [each["Status"] for each in views()]
        assert "setup_failed" not in statuses, box.shell("cat /var/lib/toque/runs/*/log; true")
        return statuses == ["registered"]

    wait_until("the machine to be registered", is_there, seconds=LONG)
    return views()[0]


def aws_environment(server: Server) -> dict[str, str]:
    """Nothing but keys, a region and one address for everything (08-25)."""
    given = server.aws_environment()
    kept = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
    return {name: given[name] for name in kept} | {"AWS_ENDPOINT_URL": server.url}


@pytest.mark.aws
@needs_that("the last OpsWorks clients: run 'make setup', or set TOQUE_AWS", lambda: "TOQUE_AWS" in os.environ)
@pytest.mark.timeout(300)
def test_08_25_and_09_30_the_stock_client_registers_the_machine_it_is_on(server: Server, stack: str, box: Box) -> None:
    environment = aws_environment(server)
    words = ["register", "--local", "--infrastructure-class", "on-premises", "--stack-id", stack]

    done = ran(box, environment, "aws", "opsworks", *words)

    assert done.returncode == 0, done.stderr
    view = registered(server, stack, box)
    assert (view["Hostname"], view["InfrastructureClass"]) == ("iron7", "on-premises")
    assert view["RegisteredBy"].endswith(":user/AWS/OpsWorks/OpsWorks-iron-works-iron7")
    # 08-33, 09-22
    waited = ran(
        box, environment, "aws", "opsworks", "wait", "instance-registered", "--instance-ids", view["InstanceId"]
    )
    assert waited.returncode == 0, waited.stderr
    assert "is running" in box.run("service", "toque-agent", "status")
    assert box.shell("ls /tmp") == ""
    assert box.shell("ls /etc/rc2.d | grep -c toque-agent") == "1"

    # What went wrong is no success to the client, although its script ends with a clean-up.
    other = str(server.api("CreateStack", Name="other", Region="local", **ROLES)["StackId"])
    again = ran(box, environment, "aws", "opsworks", *words[:-1], other)
    assert again.returncode == 255
    assert f"this machine is instance {view['InstanceId']} of stack {stack} already" in again.stderr
    assert box.shell("ls /tmp") == ""


@pytest.mark.timeout(300)
def test_our_client_registers_the_machine_it_is_on(server: Server, stack: str, box: Box) -> None:
    environment = {"TOQUE_SERVER_URL": server.url, "TOQUE_API_TOKEN": server.secrets["api_token"]}
    words = ["opsworks", "register", "--local", "--infrastructure-class", "on-premises", "--stack-id", stack]
    overridden = ["--override-hostname", "Forge", "--override-public-ip", "192.0.2.7"]

    done = ran(box, environment, "/opt/toque/bin/toque", *words, *overridden)

    assert done.returncode == 0, done.stderr
    view = registered(server, stack, box)
    assert (view["Hostname"], view["PublicIp"]) == ("forge", "192.0.2.7")
    waited = ran(
        box,
        environment,
        "/opt/toque/bin/toque",
        *("opsworks", "wait", "instance-registered", "--instance-ids", view["InstanceId"]),
    )
    assert waited.returncode == 0, waited.stderr
    # Once more is no harm, and makes no other instance.
    again = ran(box, environment, "/opt/toque/bin/toque", *words)
    assert again.returncode == 0, again.stderr
    assert registered(server, stack, box)["InstanceId"] == view["InstanceId"]


@pytest.mark.timeout(300)
def test_our_client_registers_a_machine_that_it_reaches_by_a_command(
    server: Server, stack: str, box: Box, tmp_path: Path
) -> None:
    # What ssh does: it hands its last word to a shell over there.
    reach = tmp_path / "reach"
    reach.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "from pathlib import Path\n"
        f"sys.path[:0] = {sys.path!r}\n"
        "from toque import sandbox\n"
        f"done = sandbox.execute(Path({str(box.spec.directory)!r}), ['sh', '-c', sys.argv[-1]])\n"
        "sys.stdout.buffer.write(done.stdout)\n"
        "sys.stderr.buffer.write(done.stderr)\n"
        "sys.exit(done.returncode)\n"
    )
    reach.chmod(0o755)
    environment = os.environ | {"TOQUE_SERVER_URL": server.url, "TOQUE_API_TOKEN": server.secrets["api_token"]}
    words = ["opsworks", "register", "--infrastructure-class", "on-premises", "--stack-id", stack]

    done = subprocess.run(
        [*TOQUE, *words, "--override-ssh", shlex.quote(str(reach)), "iron7.example"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=200,
    )

    assert done.returncode == 0, done.stderr
    assert "and its agent runs" in done.stdout
    view = registered(server, stack, box)
    assert view["RegisteredBy"].endswith("OpsWorks-iron-works-iron7.example")

    # 08-32: what the installer has put there goes when the machine leaves its stack.
    def left() -> str:
        return box.shell("ls /etc/init.d /etc/rc2.d /etc/toque 2>&1 | grep -e toque-agent -e agent.toml; true")

    assert "toque-agent" in left()
    server.api("DeregisterInstance", InstanceId=view["InstanceId"])
    wait_until("the service to be gone", lambda: left() == "", seconds=LONG)
    wait_until("the agent to end", lambda: box.shell("pgrep -f 'toque.daemon.mai[n]'; true") == "", seconds=LONG)
    assert server.api("DescribeInstances", StackId=stack)["Instances"] == []


FETCH = """
import sys, tarfile, urllib.request
with urllib.request.urlopen(sys.argv[1]) as answer:
    tarfile.open(fileobj=answer, mode="r|gz").extractall("/srv")
"""


@needs("debootstrap", "systemd-nspawn", "nsenter")
@pytest.mark.timeout(900)
def test_where_systemd_runs_the_agent_is_a_unit(server: Server, stack: str) -> None:
    said = server.api("DescribeStackProvisioningParameters", StackId=stack)
    key = server.api("CreateRegistration", StackId=stack, Machine="iron8")
    given = said["Parameters"] | {
        "stack_id": stack,
        "hostname": "iron8",
        "access_key_id": key["AccessKeyId"],
        "secret_access_key": key["SecretAccessKey"],
    }
    with a_machine() as machine:
        machine.run("sh", "-c", "printf '/opt/agent\\n/opt/site\\n' >/usr/lib/python3/dist-packages/toque.pth")
        machine.run("python3", "-c", FETCH, said["AgentInstallerUrl"])
        folder = "/srv/opsworks-agent-installer"
        machine.run("sh", "-c", f"cat >{folder}/preconfig", input=preconfig.written(given))

        machine.run("sh", "-c", f"exec {folder}/boot-registration 2>&1")

        wait_until(
            "the machine to be registered",
            lambda: (
                [each["Status"] for each in server.api("DescribeInstances", StackId=stack)["Instances"]]
                == ["registered"]
            ),
            seconds=LONG,
        )
        state = machine.run("systemctl", "show", "--property=ActiveState,UnitFileState,NRestarts", "toque-agent")
        assert set(state.splitlines()) == {"ActiveState=active", "UnitFileState=enabled", "NRestarts=0"}
