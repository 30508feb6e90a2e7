from __future__ import annotations

import json
from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import AccessDeniedException

ANN = "arn:aws:iam::123456789012:user/ann"


@pytest.fixture
def stack(root: Caller) -> str:
    """A stack in strict mode, with a layer that has a recipe, and a user with the level deploy."""
    stack = root.stack()
    layer = root.layer(stack, CustomRecipes={"Deploy": ["shop::warm_up", "shop"]})
    root.bring_online(root.instance(stack, layer))
    root("CreateUser", UserName="ann")
    root("SetPermission", StackId=stack, IamUserArn=ANN, Level="deploy")
    root("SetStackMode", StackId=stack, Strict=True)
    return stack


def run(*recipes: str) -> dict[str, Any]:
    return {"Name": "execute_recipes", "Args": {"recipes": list(recipes)}}


def denied(root: Caller) -> list[tuple[str, str]]:
    events = root("DescribeAuditEvents", UserArn=ANN, DeniedOnly=True)["Events"]
    return [(each["EventName"], each["StackId"]) for each in reversed(events)]


@pytest.mark.parametrize(
    "members",
    [
        pytest.param({"AppSource": {"Type": "git", "Url": "https://elsewhere.example/shop.git"}}, id="source"),
        pytest.param({"SslConfiguration": {"PrivateKey": "mine"}}, id="keys"),
        pytest.param({"Environment": [{"Key": "LD_PRELOAD", "Value": "/tmp/x.so"}]}, id="variables"),
        pytest.param({"DataSources": []}, id="data sources"),
        pytest.param({"Attributes": {"DocumentRoot": "/"}}, id="attributes"),
        pytest.param({"Type": "rails"}, id="type"),
    ],
)
def test_S18_in_strict_mode_the_level_deploy_changes_nothing_an_app_runs(
    root: Caller, stack: str, members: dict[str, Any]
) -> None:
    app = root.app(stack)

    with pytest.raises(AccessDeniedException, match="strict mode, in which changing an app's .* needs the level man"):
        root.known("ann")("UpdateApp", AppId=app, **members)

    assert denied(root) == [("UpdateApp", stack)]


def test_S18_what_an_app_is_called_is_left_to_the_level_deploy(root: Caller, stack: str) -> None:
    root.known("ann")("UpdateApp", AppId=root.app(stack), Name="Shop", Description="new")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        pytest.param({"Command": {"Name": "configure"}, "CustomJson": "{}"}, "passing custom JSON", id="JSON"),
        pytest.param({"Command": run("shop::warm_up", "shop::other")}, "running shop::other, which", id="recipe"),
        pytest.param({"Command": run("toque::deploy")}, "running toque::deploy", id="built-in recipe"),
    ],
)
def test_S18_in_strict_mode_the_level_deploy_runs_what_is_assigned(
    root: Caller, stack: str, members: dict[str, Any], said: str
) -> None:
    with pytest.raises(AccessDeniedException, match=said):
        root.known("ann")("CreateDeployment", StackId=stack, **members)

    assert denied(root) == [("CreateDeployment", stack)]


def test_S18_assigned_recipes_and_deployments_go_on(root: Caller, stack: str) -> None:
    ann = root.known("ann")

    ann("CreateDeployment", StackId=stack, Command=run("shop::warm_up", "shop::default"))
    ann("CreateDeployment", StackId=stack, AppId=root.app(stack), Command={"Name": "deploy"})
    ann("CreateDeployment", StackId=stack, Command={"Name": "setup"})


def test_S18_a_recipe_has_to_be_assigned_on_every_target(root: Caller, stack: str) -> None:
    root.bring_online(root.instance(stack, root.layer(stack, "db")))

    with pytest.raises(AccessDeniedException, match="every target's layers"):
        root.known("ann")("CreateDeployment", StackId=stack, Command=run("shop::warm_up"))


def test_S18_the_level_manage_and_a_policy_that_allows_are_not_bound(root: Caller, stack: str) -> None:
    ann = root.known("ann")
    root("SetPermission", StackId=stack, IamUserArn=ANN, Level="manage")
    ann("CreateDeployment", StackId=stack, Command=run("any::thing"), CustomJson="{}")
    root("SetPermission", StackId=stack, IamUserArn=ANN, Level="deploy")
    allowed = {"Effect": "Allow", "Action": "opsworks:CreateDeployment", "Resource": "*"}
    root("PutUserPolicy", UserArn=ANN, PolicyName="runs", PolicyDocument=json.dumps({"Statement": allowed}))
    ann("CreateDeployment", StackId=stack, Command=run("any::thing"))


def test_S18_the_level_deploy_switches_strict_mode_neither_on_nor_off(root: Caller, stack: str) -> None:
    with pytest.raises(AccessDeniedException):
        root.known("ann")("SetStackMode", StackId=stack, Strict=False)
    [shown] = root("DescribeStackOverviews")["Stacks"]
    assert shown["Strict"]

    root("SetStackMode", StackId=stack, Strict=False)

    root.known("ann")("CreateDeployment", StackId=stack, Command=run("any::thing"), CustomJson="{}")
    assert not root("DescribeStackOverviews")["Stacks"][0]["Strict"]
