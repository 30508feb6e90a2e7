"""A script for `aws opsworks` with `toque` in place of `aws`: the environment, the output and the exit codes it expects."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.server.http.serving import served
from tests.server.operations.calls import PROFILE, ROLE, Caller
from toque.cli.group import toque
from toque_server.cli.init import first_administrator
from toque_server.domain.instance import Status
from toque_server.operations.context import Services

Run = Callable[..., Result]


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    """`toque`, with nothing but what `aws` would have in its environment."""
    made = first_administrator(services)
    for name in [each for each in os.environ if each.startswith(("TOQUE_", "AWS_", "XDG_CONFIG"))]:
        monkeypatch.delenv(name)
    with served(services) as url:
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("AWS_ENDPOINT_URL_OPSWORKS", url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", made["access_key_id"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", made["secret_access_key"])
        monkeypatch.chdir(tmp_path)
        yield lambda *words: CliRunner().invoke(toque, words)


@pytest.fixture
def root(services: Services) -> Caller:
    return Caller(services)


def test_09_1_09_33_the_environment_of_aws_is_enough(run: Run, root: Caller) -> None:
    root.stack(Name="shop")

    before = run("--region", "xx-custom-9", "opsworks", "describe-stacks")
    after = run("opsworks", "--output", "yaml", "describe-stacks", "--region", "xx-custom-9")

    assert [each["Name"] for each in json.loads(before.output)["Stacks"]] == ["shop"]
    assert "- StackId:" in after.output


def test_09_2_a_wrong_secret_is_refused_with_a_signature_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x" * 40)

    wrong = run("opsworks", "describe-stacks")

    assert (wrong.exit_code, wrong.stdout) == (254, "")
    assert "Signature" in wrong.stderr


def test_09_34_text_and_query_print_names_only(run: Run, root: Caller) -> None:
    root.stack(Name="shop")
    root.stack(Name="bakery")

    names = run("opsworks", "describe-stacks", "--query", "sort(Stacks[].Name)", "--output", "text")
    rows = run("opsworks", "describe-stacks", "--query", "sort_by(Stacks,&Name)[].[Name,Region]", "--output", "text")

    assert names.output == "bakery\tshop\n"
    assert rows.output == "bakery\tlocal\nshop\tlocal\n"
    assert run("opsworks", "describe-stacks", "--query", "Stacks[").exit_code == 252


def test_09_5_void_commands_print_nothing_and_exit_0(run: Run, root: Caller) -> None:
    done = run("opsworks", "update-stack", "--stack-id", root.stack(), "--name", "market")

    assert (done.exit_code, done.output) == (0, "")


def test_09_6_exit_codes_tell_what_went_wrong(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("opsworks", "describe-apps", "--app-ids", "unknown").exit_code == 254
    assert run("opsworks", "create-deployment", "--stack-id", "s").exit_code == 252
    assert run("opsworks", "descrbe-stacks").exit_code == 252
    assert run("opsworks", "describe-stacks", "--output", "xml").exit_code == 252
    assert run("opsworks", "describe-stacks", "--profile", "nobody").exit_code == 253
    assert run("opsworks", "describe-stacks", "--endpoint-url", "http://127.0.0.1:1").exit_code == 255
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    nobody = run("opsworks", "describe-stacks")
    assert nobody.exit_code == 253
    assert "TOQUE_API_TOKEN" in nobody.stderr


def test_09_14_09_15_an_unedited_skeleton_is_refused_and_one_with_two_members_works(
    run: Run, root: Caller, tmp_path: Path
) -> None:
    root.layer(stack := root.stack())
    skeleton = json.loads(run("opsworks", "create-deployment", "--generate-cli-skeleton").output)
    (tmp_path / "d.json").write_text(json.dumps(skeleton))

    unedited = run("opsworks", "create-deployment", "--cli-input-json", "file://d.json")
    skeleton |= {"StackId": stack, "Command": {"Name": "configure", "Args": skeleton["Command"]["Args"]}}
    (tmp_path / "d.json").write_text(json.dumps(skeleton))
    edited = run("opsworks", "create-deployment", "--cli-input-json", "file://d.json")

    assert unedited.exit_code == 254
    assert "StackId" in unedited.stderr
    assert edited.exit_code in (0, 254)
    assert "DeploymentId" in edited.stdout or "online" in edited.stderr


def test_09_16_options_go_before_the_file_s_members_in_yaml_too(run: Run, root: Caller, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(
        f"Name: file\nRegion: local\nServiceRoleArn: {ROLE}\nDefaultInstanceProfileArn: {PROFILE}\nAttributes:\n  Color: red\n"
    )

    made = run("opsworks", "create-stack", "--cli-input-yaml", "file://s.yaml", "--name", "line")

    assert made.exit_code == 0, made.output
    [stack] = root("DescribeStacks")["Stacks"]
    assert (stack["Name"], stack["Attributes"]) == ("line", {"Color": "red"})
    both = run("opsworks", "create-stack", "--cli-input-yaml", "file://s.yaml", "--cli-input-json", "{}")
    assert (both.exit_code, "only one of" in both.stderr) == (252, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stack-id", "s", "--name", "n", "--type", "t", "--cli-input-json", '{"Nme": "x"}'], "did you mean Name"),
        (["--cli-input-json", "[1]"], "must be an object"),
        (["--cli-input-json", "{"], "not JSON"),
        (["--cli-input-yaml", "a: [b"], "not YAML"),
        (["--cli-input-json", "file://nowhere.json"], "nowhere.json cannot be read"),
        (["--app-source", "Typ=git"], "AppSource has no Typ (did you mean Type?)"),
        (["--environment", "Value=x"], "needs Key"),
        (["--app-source", '{"Type": 3}'], "AppSource.Type must be a string, not 3"),
        (["--enable-ssl", "maybe"], "--no-enable-ssl"),
        (["--domians", "a.org"], "did you mean --domains?"),
    ],
)
def test_a_wrong_member_is_named_before_anything_is_sent(words: list[str], said: str) -> None:
    wrong = CliRunner().invoke(toque, ["opsworks", "create-app", *words])

    assert wrong.exit_code == 252
    assert said in wrong.stderr


def test_09_17_09_18_09_21_09_23_waiters_end_with_0_or_255(run: Run, root: Caller) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    app = root.app(stack)

    def waited(*words: str) -> int:
        return run("opsworks", "wait", *words).exit_code

    assert waited("instance-stopped", "--instance-ids", instance) == 0
    assert waited("instance-online", "--instance-ids", instance) == 255
    root("StartInstance", InstanceId=instance)
    assert root.status(instance) == Status.REQUESTED
    late = run("opsworks", "wait", "instance-online", "--instance-ids", instance, "--max-attempts", "2", "--delay", "0")
    assert (late.exit_code, "Waiter InstanceOnline failed" in late.stderr) == (255, True)
    assert waited("instance-online", "--instance-ids", "unknown") == 255
    assert waited("instance-registered", "--stack-id", stack, "--max-attempts", "1") == 255
    assert waited("instance-terminated", "--instance-ids", "unknown") == 0
    assert waited("app-exists", "--app-ids", app) == 0
    assert waited("app-exists", "--app-ids", "unknown") == 255
    assert waited("deployment-successful", "--stack-id", stack, "--max-attempts", "1") == 255


def test_waiters_have_the_skeleton_of_what_they_ask_and_suggest_names(run: Run) -> None:
    skeleton = run("opsworks", "wait", "instance-online", "--generate-cli-skeleton")
    mistyped = run("opsworks", "wait", "instance-onlne")

    assert json.loads(skeleton.output) == {"StackId": "", "LayerId": "", "InstanceIds": [""]}
    assert (mistyped.exit_code, "did you mean instance-online?" in mistyped.stderr) == (252, True)


def test_debugging_tells_what_goes_over_the_wire_and_no_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = run("opsworks", "describe-stacks", "--debug")

    assert "OpsWorks_20130218.DescribeStacks" in shown.stderr
    assert "HTTP 200" in shown.stderr
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in shown.output
    assert json.loads(shown.stdout) == {"Stacks": []}


def test_without_a_signature_the_server_refuses(run: Run) -> None:
    refused = run("opsworks", "describe-stacks", "--no-sign-request")

    assert refused.exit_code == 254
    assert "MissingAuthenticationToken" in refused.stderr


def test_options_without_a_meaning_here_are_taken(run: Run) -> None:
    done = run("opsworks", "describe-stacks", "--no-cli-pager", "--color", "off", "--cli-binary-format", "base64")

    assert done.exit_code == 0
    assert "Taken without effect: --color" in run("opsworks", "describe-stacks", "help").output


def test_09_24_clusters_are_paged_by_the_client(run: Run, root: Caller) -> None:
    stack = root.stack()

    one = run("opsworks", "describe-ecs-clusters", "--stack-id", stack, "--page-size", "1")
    cut = run("opsworks", "describe-ecs-clusters", "--stack-id", stack, "--max-items", "1")
    bad = run("opsworks", "describe-ecs-clusters", "--stack-id", stack, "--next-token", "nonsense")
    both = run("opsworks", "describe-ecs-clusters", "--no-paginate", "--page-size", "1")

    assert [json.loads(each.output)["EcsClusters"] for each in (one, cut)] == [[], []]
    assert (bad.exit_code, "ValidationException" in bad.stderr) == (254, True)
    assert both.exit_code == 252
