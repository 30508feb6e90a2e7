"""The real OpsWorks client, with nothing but its environment: from an empty server to a rollback, and to nothing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.needs import needs_root, needs_that
from tests.together.house import Server
from toque_server.cli.demo.api import wait_until
from toque_server.cli.demo.fleet import remove_sandboxes
from toque_server.cli.demo.repository import GitDaemon, Repository
from toque_server.shipped import examples

pytestmark = [
    pytest.mark.root,
    pytest.mark.aws,
    needs_root(),
    needs_that("the last OpsWorks clients: run 'make setup', or set TOQUE_AWS", lambda: "TOQUE_AWS" in os.environ),
]

ROLES = [
    *("--service-role-arn", "arn:aws:iam::123456789012:role/toque"),
    *("--default-instance-profile-arn", "arn:aws:iam::123456789012:instance-profile/toque"),
]


class Aws:
    """`aws opsworks …` against one server. Each call is a process of its own, as an operator's is."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.program = os.environ["TOQUE_AWS"]

    def raw(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [self.program, "opsworks", *words]
        return subprocess.run(argv, capture_output=True, text=True, env=self.server.aws_environment(), timeout=640)

    def __call__(self, *words: str) -> Any:
        ran = self.raw(*words)
        assert ran.returncode == 0, f"aws opsworks {' '.join(words)}: {ran.stderr}"
        return json.loads(ran.stdout) if ran.stdout.strip() else None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("aws")).init().start()
    try:
        yield server
    finally:
        server.stop()
        remove_sandboxes(server.data_dir)


@pytest.fixture(scope="module")
def aws(server: Server) -> Aws:
    return Aws(server)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GitDaemon, Repository]]:
    folder = tmp_path_factory.mktemp("git")
    repository = Repository(folder / "guestbook", examples("guestbook"))
    repository.commit("The guestbook", RELEASE="1\n")
    daemon = GitDaemon(folder)
    try:
        yield daemon, repository
    finally:
        daemon.stop()


def status_of(aws: Aws, instance: str) -> str:
    return str(aws("describe-instances", "--instance-ids", instance)["Instances"][0]["Status"])


def until_it_succeeds(aws: Aws, deployment: str) -> None:
    """What `aws wait` does, without its pauses of fifteen seconds."""

    def status() -> str:
        return str(aws("describe-deployments", "--deployment-ids", deployment)["Deployments"][0]["Status"])

    wait_until("the deployment to end", lambda: status() != "running", seconds=60)
    assert status() == "successful"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_operator_with_the_aws_client_does_a_whole_days_work(
    aws: Aws, sources: tuple[GitDaemon, Repository], tmp_path: Path
) -> None:
    daemon, repository = sources
    stack = aws(
        "create-stack",
        "--name",
        "shop",
        "--stack-region",
        "local",
        *ROLES,
        "--custom-json",
        json.dumps({"python-app": {"port": 8081}}),
    )["StackId"]
    layer = aws("create-layer", "--stack-id", stack, "--type", "python-app", "--name", "App", "--shortname", "app")[
        "LayerId"
    ]
    instance = aws("create-instance", "--stack-id", stack, "--layer-ids", layer, "--instance-type", "small")[
        "InstanceId"
    ]
    app = aws(
        "create-app",
        "--stack-id",
        stack,
        "--name",
        "Guestbook",
        "--type",
        "other",
        "--app-source",
        f"Type=git,Url={daemon.url('guestbook')},Revision=main",
    )["AppId"]

    # 09-18: the wait does not fail on `stopped`.
    aws("start-instance", "--instance-id", instance)
    aws("wait", "instance-online", "--instance-ids", instance)
    shown = aws("describe-instances", "--instance-ids", instance)["Instances"][0]
    url = f"http://{shown['PrivateIp']}:8081/health"
    assert requests.get(url, timeout=5).json()["release"] == "1"

    repository.commit("The second release", RELEASE="2\n")
    deployment = aws("create-deployment", "--stack-id", stack, "--app-id", app, "--command", "Name=deploy")[
        "DeploymentId"
    ]
    until_it_succeeds(aws, deployment)
    aws("wait", "deployment-successful", "--deployment-ids", deployment)
    assert requests.get(url, timeout=5).json()["release"] == "2"

    # 09-31: a command without arguments shows an empty map; 05-36: the duration is the difference of the times.
    told = aws("describe-deployments", "--deployment-ids", deployment)["Deployments"][0]
    assert told["Command"] == {"Name": "deploy", "Args": {}}
    assert told["IamUserArn"].startswith("arn:aws:iam::")

    command = aws("describe-commands", "--deployment-id", deployment)["Commands"][0]
    assert (command["Status"], command["ExitCode"], command["Type"]) == ("successful", 0, "deploy")
    log = requests.get(command["LogUrl"], timeout=10)
    assert log.headers["Content-Type"].startswith("text/plain")
    assert "app_release[guestbook] changed" in log.text

    rollback = aws("create-deployment", "--stack-id", stack, "--app-id", app, "--command", "Name=rollback")[
        "DeploymentId"
    ]
    until_it_succeeds(aws, rollback)
    assert requests.get(url, timeout=5).json()["release"] == "1"

    # 09-15: a skeleton with only StackId and Command filled in works as if the other members were missing.
    skeleton = aws("create-deployment", "--generate-cli-skeleton")
    skeleton |= {"StackId": stack, "Command": {"Name": "configure", "Args": skeleton["Command"]["Args"]}}
    given = tmp_path / "deployment.json"
    given.write_text(json.dumps(skeleton))
    configured = aws("create-deployment", "--cli-input-json", f"file://{given}")["DeploymentId"]
    until_it_succeeds(aws, configured)

    aws("stop-instance", "--instance-id", instance)
    wait_until("the instance to stop", lambda: status_of(aws, instance) == "stopped", seconds=60)
    aws("wait", "instance-stopped", "--instance-ids", instance)
    aws("delete-instance", "--instance-id", instance)
    # 09-20: gone is what the waiter waits for.
    aws("wait", "instance-terminated", "--instance-ids", instance)
    aws("delete-app", "--app-id", app)
    aws("delete-layer", "--layer-id", layer)
    aws("delete-stack", "--stack-id", stack)
    assert aws("describe-stacks")["Stacks"] == []


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["create-deployment", "--stack-id", "S", "--command", "Name=nonsense"], 255, "ResourceNotFoundException"),
        (["describe-apps", "--app-ids", "unknown"], 255, "ResourceNotFoundException"),
        (["wait", "app-exists", "--app-ids", "unknown"], 255, "Waiter AppExists failed"),
        (["wait", "instance-online", "--instance-ids", "unknown"], 255, "ResourceNotFoundException"),
        (["describe-apps", "--stack-id", "S", "--app-ids", "A"], 255, "ValidationException"),
        (
            ["create-stack", "--name", "x", "--stack-region", "local", *ROLES, "--hostname-theme", "Sherry"],
            255,
            "Layer_Dependent",
        ),
        (["start-instance", "--instance-id", "unknown"], 255, "unknown"),
    ],
)
def test_09_mistakes_end_with_the_clients_own_codes(aws: Aws, words: list[str], status: int, said: str) -> None:
    ran = aws.raw(*words)

    assert ran.returncode == status
    assert said in ran.stderr


def test_09_14_the_unedited_skeleton_is_refused_and_stack_id_is_named(aws: Aws, tmp_path: Path) -> None:
    given = tmp_path / "d.json"
    given.write_text(aws.raw("create-deployment", "--generate-cli-skeleton").stdout)

    ran = aws.raw("create-deployment", "--cli-input-json", f"file://{given}")

    assert ran.returncode == 255
    assert "ValidationException" in ran.stderr
    assert "StackId" in ran.stderr


def test_09_2_a_wrong_secret_key_is_refused_with_a_signature_error(aws: Aws) -> None:
    environment = aws.server.aws_environment() | {"AWS_SECRET_ACCESS_KEY": "wrong" * 8}

    ran = subprocess.run(
        [aws.program, "opsworks", "describe-stacks"], capture_output=True, text=True, env=environment, timeout=60
    )

    assert ran.returncode == 255
    assert "Signature" in ran.stderr or "signature" in ran.stderr
