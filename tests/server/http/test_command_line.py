"""The command line against the real application on loopback, signed and with a bearer token."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.server.http.serving import served
from tests.server.operations.calls import Caller
from toque.cli.group import toque
from toque_server.cli.init import first_administrator
from toque_server.operations.context import Services

Run = Callable[..., Result]


@pytest.fixture(params=["signed", "bearer"])
def run(services: Services, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    made = first_administrator(services)
    for name in [each for each in os.environ if each.startswith(("TOQUE_", "AWS_"))]:
        monkeypatch.delenv(name)
    with served(services) as url:
        monkeypatch.setenv("TOQUE_SERVER_URL", url)
        if request.param == "signed":
            monkeypatch.setenv("TOQUE_ACCESS_KEY_ID", made["access_key_id"])
            monkeypatch.setenv("TOQUE_SECRET_ACCESS_KEY", made["secret_access_key"])
        else:
            monkeypatch.setenv("TOQUE_API_TOKEN", made["api_token"])
        yield lambda *arguments: CliRunner().invoke(toque, arguments)


def test_a_stack_is_made_listed_and_shown(run: Run, services: Services) -> None:
    given = Caller(services)
    layer = given.layer(given.stack(Name="shop"))
    id = given("DescribeLayers", LayerIds=[layer])["Layers"][0]["StackId"]

    created = run("opsworks", "create-instance", "--stack-id", id, "--layer-ids", layer, "--instance-type", "small")

    assert created.exit_code == 0, created.output
    instance = json.loads(created.output)["InstanceId"]
    listed = run("instance", "list", "--stack", "shop")
    assert listed.output.splitlines()[0].split() == ["NAME", "STATUS", "ADDRESS", "OS", "ID"]
    assert listed.output.splitlines()[1].split()[:2] == ["app1", "stopped"]
    shown = run("instance", "show", "app1", "--stack", "shop", "--output", "json")
    assert json.loads(shown.output)["InstanceId"] == instance
    assert "shop" in run("stack", "list").output
    assert run("opsworks", "start-instance", "--instance-id", instance).output == ""


def test_a_user_gets_a_policy_and_why_he_may_is_explained(run: Run, services: Services, tmp_path: Path) -> None:
    stack = Caller(services).stack()
    run("opsworks", "create-user", "--user-name", "ann")
    document = tmp_path / "policy.json"
    document.write_text('{"Statement": {"Sid": "No", "Effect": "Deny", "Action": "opsworks:Stop*", "Resource": "*"}}')

    for arguments in (("put-policy", "ann", "mine", str(document)), ("attach-policy", "ann", "OpsWorksReadOnly")):
        assert run("user", *arguments).output == ""

    assert "ann" in run("user", "list").output
    assert [line.split()[:2] for line in run("user", "policies", "ann").output.splitlines()[1:]] == [
        ["OpsWorksReadOnly", "predefined"],
        ["mine", "own"],
    ]
    explained = run("user", "explain", "ann", "StopStack", "--stack-id", stack)
    assert explained.output == "no: the policy statement mine/No denies it\n"
    for arguments in (("delete-policy", "ann", "mine"), ("detach-policy", "ann", "OpsWorksReadOnly")):
        assert run("user", *arguments).exit_code == 0
    assert run("user", "policies", "bob").exit_code == 254


def test_a_refusal_is_told_on_the_other_stream_with_its_own_exit_code(run: Run) -> None:
    refused = run("opsworks", "describe-apps", "--app-ids", "unknown")

    assert refused.exit_code == 254
    assert refused.stdout == ""
    assert "DescribeApps was refused (ResourceNotFoundException): Unable to find app with ID unknown" in refused.stderr


def test_09_21_a_wait_for_what_is_not_there_ends_at_once(run: Run) -> None:
    waited = run("opsworks", "wait", "app-exists", "--app-ids", "unknown")

    assert waited.exit_code == 255
    assert "unknown" in waited.stderr


def test_a_wrong_option_never_reaches_the_server(run: Run) -> None:
    wrong = run("opsworks", "describe-apps", "--apps", "x")

    assert wrong.exit_code == 252
    assert "--app-ids" in wrong.stderr


def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOQUE_SERVER_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("TOQUE_API_TOKEN", "x")

    gone = CliRunner().invoke(toque, ["stack", "list"])

    assert gone.exit_code == 255
    assert "http://127.0.0.1:1 cannot be reached" in gone.stderr
