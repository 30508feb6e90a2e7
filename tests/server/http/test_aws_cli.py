"""The binary `aws` 1.42.18 over one action of each group of chapter 09 § 4, and the checks that are about it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import needs_that
from tests.server.http.aws import Aws, aws_client
from tests.server.operations.calls import PROFILE, ROLE
from toque_server.domain.command import CommandStatus
from toque_server.domain.instance import Status
from toque_server.operations.context import Services
from toque_server.reconcile.outcome import Outcome
from toque_server.reconcile.services import Services as LoopServices
from toque_server.store import commands

pytestmark = [
    pytest.mark.aws,
    needs_that("the last OpsWorks clients: run 'make setup', or set TOQUE_AWS", lambda: "TOQUE_AWS" in os.environ),
]
ROLES = ["--service-role-arn", ROLE, "--default-instance-profile-arn", PROFILE]
ANN = "arn:aws:iam::123456789012:user/ann"


@pytest.fixture
def aws(services: Services) -> Iterator[Aws]:
    with aws_client(services) as aws:
        yield aws


@pytest.fixture
def stack(aws: Aws) -> str:
    return aws.root.stack()


def end(aws: Aws, deployment_id: str, *, exit_code: int) -> None:
    """End every command of a deployment, as their agents' results would."""
    services = aws.root.services
    loops = LoopServices(settings=services.settings, new_id=services.new_id, join_token=lambda _: "")
    with services.database.write() as conn:
        for command in commands.of_deployment(conn, deployment_id):
            at = services.database.now(conn)
            assert Outcome(loops).settle(conn, command, exit_code=exit_code, reason="", at=at)


def test_09_1_and_09_2_and_09_5_and_09_33_and_09_34_stacks_with_keys_and_any_region(aws: Aws) -> None:
    made = aws("create-stack", "--name", "shop", "--stack-region", "local", *ROLES)
    changed = aws.ran("update-stack", "--stack-id", made["StackId"], "--name", "market")
    names = aws.ran("describe-stacks", "--query", "Stacks[].Name", "--output", "text")
    wrong = aws.ran("describe-stacks", AWS_SECRET_ACCESS_KEY="x" * 40)

    assert (changed.returncode, changed.stdout, changed.stderr) == (0, "", "")
    assert names.stdout == "market\n"
    assert (wrong.returncode, wrong.stdout) == (255, "")
    assert "InvalidSignatureException" in wrong.stderr


def test_layers_are_made_with_shorthand_and_described(aws: Aws, stack: str) -> None:
    recipes, limit = "Setup=a::b,c::d,Deploy=e::f", "Shutdown={ExecutionTimeout=60}"
    words = ["--type", "custom", "--name", "Front", "--shortname", "front"]
    made = aws(
        *("create-layer", "--stack-id", stack, *words),
        *("--custom-recipes", recipes, "--lifecycle-event-configuration", limit, "--no-enable-auto-healing"),
    )

    [layer] = aws("describe-layers", "--layer-ids", made["LayerId"])["Layers"]

    assert (layer["CustomRecipes"]["Setup"], layer["CustomRecipes"]["Deploy"]) == (["a::b", "c::d"], ["e::f"])
    assert layer["LifecycleEventConfiguration"]["Shutdown"]["ExecutionTimeout"] == 60
    assert layer["EnableAutoHealing"] is False


def test_09_18_and_09_19_and_09_20_and_09_23_instances_are_made_waited_for_and_deleted(aws: Aws, stack: str) -> None:
    layer = aws.root.layer(stack)
    made = ["create-instance", "--stack-id", stack, "--layer-ids", layer, "--instance-type", "small"]
    instance = aws(*made)["InstanceId"]

    assert aws("start-instance", "--instance-id", instance) is None
    aws.root.bring(instance, Status.PENDING, Status.BOOTING, Status.RUNNING_SETUP, Status.ONLINE)
    assert aws("wait", "instance-online", "--instance-ids", instance) is None
    aws.root.bring(instance, Status.RUNNING_SETUP, Status.SETUP_FAILED)
    assert aws("stop-instance", "--instance-id", instance) is None
    aws.root.bring(instance, Status.STOPPING, Status.STOPPED, machine_id=None)
    assert aws("wait", "instance-stopped", "--instance-ids", instance) is None
    assert aws("delete-instance", "--instance-id", instance) is None
    assert aws("wait", "instance-terminated", "--instance-ids", instance) is None
    assert "ResourceNotFoundException" in aws.refused("wait", "instance-online", "--instance-ids", instance)


def test_09_26_access_for_5000_minutes_is_refused_by_the_server(aws: Aws, stack: str) -> None:
    instance = aws.root.instance(stack, aws.root.layer(stack))

    said = aws.refused("grant-access", "--instance-id", instance, "--valid-for-in-minutes", "5000")

    assert "(ValidationException)" in said
    assert "ValidForInMinutes must be 60 to 1440, not 5000" in said
    assert aws.front.asked == ["GrantAccess"]


def test_09_13_and_09_29_a_file_and_shorthand_make_the_same_app(aws: Aws, stack: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"Type": "git", "Url": "https://example.org/shop.git"}))
    for name, source in (
        ("by-file", f"file://{tmp_path}/a.json"),
        ("by-hand", "Type=git,Url=https://example.org/shop.git"),
    ):
        aws(*("create-app", "--stack-id", stack, "--name", name, "--type", "rails", "--app-source", source))

    apps = {each["Name"]: each for each in aws("describe-apps", "--stack-id", stack)["Apps"]}

    own = ("AppId", "Name", "Shortname", "CreatedAt")
    filed, handed = ({k: v for k, v in app.items() if k not in own} for app in apps.values())
    assert filed == handed
    assert filed["AppSource"] == {"Type": "git", "Url": "https://example.org/shop.git"}
    assert filed["Attributes"]["RailsEnv"] is None
    assert [name for name, value in filed.items() if value is None] == []


def test_09_6_and_09_11_and_09_12_and_09_21_an_app_that_is_not_there_or_asked_for_twice_is_255(
    aws: Aws, stack: str
) -> None:
    app = aws.root.app(stack)

    assert "(ResourceNotFoundException)" in aws.refused("describe-apps", "--app-ids", "unknown")
    assert "(ValidationException)" in aws.refused("describe-apps", "--stack-id", stack, "--app-ids", app)
    assert aws("wait", "app-exists", "--app-ids", app) is None
    assert "Waiter AppExists failed" in aws.refused("wait", "app-exists", "--app-ids", "unknown")
    assert aws.front.asked == ["DescribeApps"] * 4


def test_09_7_and_09_8_and_09_9_and_09_31_commands_of_deployments_and_their_arguments(aws: Aws, stack: str) -> None:
    instance = aws.root.instance(stack, aws.root.layer(stack))
    aws.root.bring_online(instance)

    def order(command: str) -> str:
        return str(aws("create-deployment", "--stack-id", stack, "--command", command)["DeploymentId"])

    recipes, upgrade = order("Name=execute_recipes,Args={recipes=a::b}"), order("Name=upgrade_operating_system")
    nonsense = aws.refused("create-deployment", "--stack-id", stack, "--command", "Name=nonsense")
    shown = aws("describe-deployments", "--deployment-ids", upgrade, recipes)["Deployments"]

    by_id = {each["DeploymentId"]: each["Command"] for each in shown}
    assert by_id[recipes] == {"Name": "execute_recipes", "Args": {"recipes": ["a::b"]}}
    assert by_id[upgrade] == {"Name": "upgrade_operating_system", "Args": {}}
    assert "(ValidationException)" in nonsense
    assert "execute_recipes" in nonsense
    with aws.root.services.database.read() as conn:
        assert [each.args["recipes"] for each in commands.of_deployment(conn, recipes)] == [["a::b"]]


def test_09_17_a_deployment_is_waited_for_and_a_failed_one_ends_it_at_the_first_look(aws: Aws, stack: str) -> None:
    instance = aws.root.instance(stack, aws.root.layer(stack))
    aws.root.bring_online(instance)
    good, bad = (
        aws.root("CreateDeployment", StackId=stack, Command={"Name": "configure"})["DeploymentId"] for _ in range(2)
    )
    end(aws, good, exit_code=0)
    end(aws, bad, exit_code=1)

    assert aws("wait", "deployment-successful", "--deployment-ids", good) is None
    said = aws.refused("wait", "deployment-successful", "--deployment-ids", bad)

    assert "Waiter DeploymentSuccessful failed" in said
    assert aws.front.asked == ["DescribeDeployments"] * 2
    [command] = aws.root("DescribeCommands", DeploymentId=bad)["Commands"]
    assert command["Status"] == CommandStatus.FAILED


def test_09_14_and_09_15_and_09_16_a_skeleton_is_filled_in_and_options_go_before_it(
    aws: Aws, stack: str, tmp_path: Path
) -> None:
    instance = aws.root.instance(stack, aws.root.layer(stack))
    aws.root.bring_online(instance)
    given = tmp_path / "d.json"
    skeleton = json.loads(aws.ran("create-deployment", "--generate-cli-skeleton").stdout)
    given.write_text(json.dumps(skeleton))
    words = ["create-deployment", "--cli-input-json", f"file://{given}"]

    unedited = aws.refused(*words)
    assert "(ValidationException)" in unedited and "StackId" in unedited
    command = {"Name": "configure", "Args": skeleton["Command"]["Args"]}
    given.write_text(json.dumps(skeleton | {"StackId": "another", "Command": command}))
    assert "(ResourceNotFoundException)" in aws.refused(*words)
    made = aws(*words, "--stack-id", stack)

    [deployment] = aws.root("DescribeDeployments", DeploymentIds=[made["DeploymentId"]])["Deployments"]
    assert (deployment["StackId"], deployment["Command"]) == (stack, {"Name": "configure", "Args": {}})
    assert deployment["InstanceIds"] == [instance]
    assert not {"AppId", "Comment", "CustomJson"} & deployment.keys()


def test_resources_are_registered_and_described(aws: Aws, stack: str) -> None:
    database = "arn:aws:rds:eu-west-1:123456789012:db:shop"
    cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"
    here = ("--stack-id", stack)

    assert aws("register-elastic-ip", "--elastic-ip", "203.0.113.7", *here) == {"ElasticIp": "203.0.113.7"}
    volume = aws("register-volume", "--ec-2-volume-id", "vol-1", *here)["VolumeId"]
    password = ("--db-user", "shop", "--db-password", "secret")
    assert aws("register-rds-db-instance", "--rds-db-instance-arn", database, *password, *here) is None
    assert aws("register-ecs-cluster", "--ecs-cluster-arn", cluster, *here) == {"EcsClusterArn": cluster}

    assert aws("describe-elastic-ips", *here)["ElasticIps"][0]["Ip"] == "203.0.113.7"
    assert aws("describe-volumes", *here)["Volumes"][0]["VolumeId"] == volume
    [shown] = aws("describe-rds-db-instances", *here)["RdsDbInstances"]
    assert (shown["DbInstanceIdentifier"], shown["DbPassword"]) == ("shop", "*****FILTERED*****")
    assert aws("describe-ecs-clusters", *here)["EcsClusters"][0]["EcsClusterName"] == "shop"


def test_09_27_and_09_28_rights_of_users_are_stored_as_they_were_said(aws: Aws, stack: str) -> None:
    assert aws("create-user-profile", "--iam-user-arn", ANN) == {"IamUserArn": ANN}
    rights = ("--level", "deploy", "--allow-ssh", "--no-allow-sudo")
    assert aws("set-permission", "--stack-id", stack, "--iam-user-arn", ANN, *rights) is None

    [permission] = aws("describe-permissions", "--stack-id", stack, "--iam-user-arn", ANN)["Permissions"]
    mine = aws("describe-my-user-profile")["UserProfile"]

    assert permission == {
        "StackId": stack,
        "IamUserArn": ANN,
        "Level": "deploy",
        "AllowSsh": True,
        "AllowSudo": False,
    }
    assert mine["IamUserArn"].startswith("arn:aws:iam::")


def test_09_25_tags_are_set_and_listed_and_not_paged(aws: Aws, stack: str) -> None:
    arn = aws.root("DescribeStacks", StackIds=[stack])["Stacks"][0]["Arn"]

    assert aws("tag-resource", "--resource-arn", arn, "--tags", "Stage=test,Owner=ann") is None
    assert aws("list-tags", "--resource-arn", arn)["Tags"] == {"Stage": "test", "Owner": "ann"}
    assert "(ValidationException)" in aws.refused("list-tags", "--resource-arn", arn, "--max-results", "3")


def test_09_32_what_the_server_could_not_take_is_sent_again_and_done_once(aws: Aws) -> None:
    aws.front.failures += [
        ("503 Service Unavailable", "ServiceUnavailable"),
        ("400 Bad Request", "ThrottlingException"),
    ]

    made = aws("create-stack", "--name", "shop", "--stack-region", "local", *ROLES)

    assert aws.front.asked == ["CreateStack"] * 3
    assert [each["StackId"] for each in aws.root("DescribeStacks")["Stacks"]] == [made["StackId"]]
