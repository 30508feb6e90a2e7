"""The daily verbs against the real application on loopback."""

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
from toque.cli.verbs import watch
from toque_server.cli.init import first_administrator
from toque_server.domain.command import CommandStatus
from toque_server.domain.deployment import settle
from toque_server.domain.instance import Status
from toque_server.operations.context import Services
from toque_server.store import commands, deployments, service_errors
from toque_server.store.service_errors import ServiceError

Run = Callable[..., Result]


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Run]:
    made = first_administrator(services)
    for name in [each for each in os.environ if each.startswith(("TOQUE_", "AWS_"))]:
        monkeypatch.delenv(name)
    with served(services) as url:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
        monkeypatch.setenv("TOQUE_SERVER_URL", url)
        monkeypatch.setenv("TOQUE_API_TOKEN", made["api_token"])
        yield lambda *words: CliRunner().invoke(toque, words)


@pytest.fixture
def root(services: Services) -> Caller:
    return Caller(services)


def good(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def test_a_stack_is_built_by_names_alone(run: Run, root: Caller) -> None:
    stack = good(run("stack", "create", "shop", "--cookbooks", "https://example.org/cookbooks", "--revision", "main"))
    good(
        run(
            "layer",
            "create",
            "front",
            "--stack",
            "shop",
            "--recipe",
            "setup=web::default",
            "--recipe",
            "deploy=web::app",
        )
    )
    instance = good(run("instance", "create", "--stack", "shop", "--layer", "front", "--hostname", "web1"))
    good(run("app", "create", "Guestbook", "--stack", "shop", "--url", "https://example.org/app"))

    [layer] = root("DescribeLayers", StackId=stack)["Layers"]
    [app] = root("DescribeApps", StackId=stack)["Apps"]
    assert layer["CustomRecipes"]["Setup"] == ["web::default"]
    assert root("DescribeStacks")["Stacks"][0]["CustomCookbooksSource"]["Revision"] == "main"
    assert app["AppSource"]["Url"] == "https://example.org/app"
    assert json.loads(good(run("instance", "show", "web1", "--output", "json")))["InstanceId"] == instance
    assert "web1" in good(run("instance", "list", "--stack", "shop"))
    assert "InstancesCount" in good(run("stack", "show", "shop"))
    good(run("app", "delete", "guestbook"))
    good(run("instance", "delete", "web1"))
    good(run("layer", "delete", "front", "--stack", stack))
    good(run("stack", "delete", "shop"))
    assert root("DescribeStacks")["Stacks"] == []


def test_a_name_that_two_have_wants_the_stack(run: Run, root: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("shop", "bakery"):
        root.layer(root.stack(Name=name), "front")

    unclear = run("layer", "show", "front")
    monkeypatch.setenv("TOQUE_STACK", "bakery")

    assert (unclear.exit_code, "2 layers are called front: give --stack" in unclear.stderr) == (254, True)
    assert "front" in good(run("layer", "show", "front"))
    unknown = run("stack", "show", "nowhere")
    assert (unknown.exit_code, "`toque stack list` shows all" in unknown.stderr) == (254, True)
    assert "did you mean list?" in run("stack", "lst").stderr


def test_instances_are_started_and_stopped_and_waited_for(
    run: Run, root: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    first, second = (root.instance(stack, layer, Hostname=name) for name in ("one", "two"))

    good(run("instance", "start", "one", "two", "--stack", "shop"))
    assert (root.status(first), root.status(second)) == (Status.REQUESTED, Status.REQUESTED)

    def progress(_seconds: float) -> None:
        for each in (first, second):
            root.bring(
                each, Status.PENDING, Status.BOOTING, Status.RUNNING_SETUP, Status.ONLINE, machine_id=f"m-{each}"
            )

    monkeypatch.setattr(watch.time, "sleep", progress)
    third = root.instance(stack, layer, Hostname="three")
    root.bring_online(third)
    waited = run("instance", "stop", "three", "--wait", "--timeout", "0")
    assert waited.exit_code == 255
    assert "three: " in waited.stderr
    assert "not done after 0 s" in waited.stderr
    watch.instances(_server(), [first, second], "InstanceOnline", timeout=60)
    assert (root.status(first), root.status(second)) == (Status.ONLINE, Status.ONLINE)
    forced = run("instance", "start", "one", "nobody", "--stack", "shop")
    assert "there is no instance nobody" in forced.stderr


def test_the_service_errors_of_an_instance_are_listed(run: Run, root: Caller) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack), Hostname="web1")
    with root.services.database.write() as conn:
        told = ServiceError(
            id="e-1",
            stack_id=stack,
            instance_id=instance,
            type="run_warning",
            message="the account eve was skipped",
            created_at=root.services.database.now(conn),
        )
        service_errors.add(conn, told)

    assert "run_warning  the account eve was skipped" in good(run("instance", "errors", "web1"))
    assert "LastServiceErrorId" in good(run("instance", "show", "web1"))


def _server() -> watch.Server:
    return watch.Server.here()


def end(services: Services, deployment_id: str, status: CommandStatus, exit_code: int, reason: str = "") -> None:
    """End a deployment's only command, as an agent's result would."""
    with services.database.write() as conn:
        now = services.database.now(conn)
        ordered = deployments.get(conn, deployment_id)
        [command] = commands.of_deployment(conn, deployment_id)
        assert ordered is not None
        assert commands.finish(conn, command, status, exit_code, now, reason)
        settled = settle(ordered, [status], now)
        assert settled is not None
        assert deployments.finish(conn, ordered, settled)


def test_a_deployment_that_fails_says_where_to_look(run: Run, root: Caller, services: Services) -> None:
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack), Hostname="web1")
    root.bring_online(instance)

    id = good(
        run("deployment", "run", "execute_recipes", "--stack", "shop", "--recipe", "web::tune", "--instance", "web1")
    )
    end(services, id, CommandStatus.FAILED, 1, "recipe_failed")
    [command] = root("DescribeCommands", DeploymentId=id)["Commands"]
    waited = run("deployment", "wait", id)

    assert root("DescribeDeployments", DeploymentIds=[id])["Deployments"][0]["Command"] == {
        "Name": "execute_recipes",
        "Args": {"recipes": ["web::tune"]},
    }
    assert (waited.exit_code, waited.stdout) == (255, "")
    assert f"web1: exit code 1, recipe_failed; see `toque command log {command['CommandId']}`" in waited.stderr
    assert "failed" in good(run("command", "list", "--deployment", id))
    assert command["CommandId"] in good(run("command", "list", "--instance", "web1"))
    assert run("command", "list").exit_code == 2
    assert run("command", "log", command["CommandId"], "--follow").exit_code == 255


def test_an_app_is_deployed_and_waited_for(
    run: Run, root: Caller, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = root.stack()
    root.bring_online(root.instance(stack, root.layer(stack), Hostname="web1"))
    root.app(stack)

    def progress(_seconds: float) -> None:
        [running] = root("DescribeDeployments", StackId=stack)["Deployments"]
        end(services, running["DeploymentId"], CommandStatus.SUCCESSFUL, 0)

    monkeypatch.setattr(watch.time, "sleep", progress)
    deployed = run("app", "deploy", "guestbook", "--comment", "friday", "--wait")

    assert deployed.exit_code == 0, deployed.output
    assert deployed.stderr.splitlines() == ["web1: queued", "web1: successful"]
    shown = json.loads(good(run("deployment", "show", deployed.stdout.strip(), "--output", "json")))
    assert (shown["Comment"], shown["Command"]["Name"], shown["Status"]) == ("friday", "deploy", "successful")
    assert run("app", "run", "guestbook", "explode").exit_code == 2


def test_data_bags_are_written_read_and_deleted(run: Run, root: Caller, tmp_path: Path) -> None:
    root.layer(root.stack(), "front")
    (tmp_path / "ann.json").write_text('{"id": "ann", "uid": 3}')

    good(run("databag", "set", "users", "ann", f"file://{tmp_path}/ann.json", "--stack", "shop"))
    good(run("databag", "set", "users", "ann", '{"id": "ann"}', "--stack", "shop", "--layer", "front"))

    assert json.loads(good(run("databag", "show", "users", "ann", "--stack", "shop")))["uid"] == 3
    assert good(run("databag", "list", "--stack", "shop")).count("ann") == 2
    good(run("databag", "delete", "users", "ann", "--stack", "shop"))
    assert run("databag", "show", "users", "ann", "--stack", "shop").exit_code == 254
    assert run("databag", "set", "users", "ann", "[1]", "--stack", "shop").exit_code == 2


def test_users_are_made_and_permitted(run: Run, root: Caller) -> None:
    root.stack()

    arn = good(run("user", "create", "ann"))
    good(run("user", "permit", "ann", "deploy", "--stack", "shop", "--ssh"))

    assert arn in good(run("user", "list"))
    shown = json.loads(good(run("user", "permissions", "--stack", "shop", "--output", "json")))["Permissions"]
    assert [(each["Level"], each["AllowSsh"]) for each in shown if each["IamUserArn"] == arn] == [("deploy", True)]
    good(run("user", "delete", "ann"))
    assert "there is no user ann" in run("user", "show", "ann").stderr


def test_tokens_are_made_listed_and_taken_back(run: Run, root: Caller) -> None:
    root.layer(root.stack(), "front")

    token = good(run("token", "create", "laptop", "--days", "3"))
    enrol = good(run("token", "join", "--stack", "shop", "--layer", "front", "--uses", "2"))

    assert token.startswith("tqa")
    assert "laptop" in good(run("token", "list"))
    assert "toque agent enrol" in enrol
    [join] = json.loads(good(run("token", "joins", "--stack", "shop", "--output", "json")))["JoinTokens"]
    assert join["UsesLeft"] == 2
    good(run("token", "revoke", join["TokenId"], "--stack", "shop"))
    listed = json.loads(good(run("token", "list", "--output", "json")))["ApiTokens"]
    good(run("token", "delete", next(each["TokenId"] for each in listed if each["Label"] == "laptop")))


def test_cookbooks_are_published_from_a_folder(run: Run, root: Caller, tmp_path: Path) -> None:
    root.stack()
    recipes = tmp_path / "books" / "web" / "recipes"
    recipes.mkdir(parents=True)
    (recipes / "default.py").write_text("from toque import log\n\nlog('hello')\n")
    (tmp_path / "books" / "web" / "cookbook.toml").write_text('[cookbook]\nname = "web"\nversion = "1.2.3"\n')

    digest = good(run("cookbook", "publish", str(tmp_path / "books"), "--stack", "shop"))
    listed = good(run("cookbook", "list", "--stack", "shop"))

    assert digest in listed
    assert "web 1.2.3" in listed
    assert "current, 0 instances" in listed


def test_every_list_has_three_forms(run: Run, root: Caller) -> None:
    root.app(root.stack())

    for form in ("table", "json", "yaml"):
        for noun in ("layer", "instance", "app", "deployment", "databag", "cookbook"):
            good(run(noun, "list", "--stack", "shop", "--output", form))
        for noun in ("stack", "user", "token"):
            good(run(noun, "list", "--output", form))
