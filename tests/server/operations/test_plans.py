from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import AccessDeniedException, ValidationException
from toque_server.store import commands

ANN = "arn:aws:iam::123456789012:user/ann"


@pytest.fixture
def stack(root: Caller) -> str:
    return root.stack()


@pytest.fixture
def web(root: Caller, stack: str) -> str:
    instance = root.instance(stack, root.layer(stack, CustomRecipes={"Deploy": ["shop::warm_up"]}))
    root.bring_online(instance)
    return instance


def args_of(root: Caller, planned: dict[str, Any]) -> dict[str, Any]:
    with root.services.database.read() as conn:
        command = commands.get(conn, planned["CommandId"])
    assert command is not None
    assert command.type == "execute_recipes"
    return dict(command.args)


@pytest.mark.parametrize(("clone", "kind"), [(None, "dry_run"), (False, "dry_run"), (True, "clone")])
def test_a_plan_is_a_command_that_says_so(root: Caller, web: str, clone: bool | None, kind: str) -> None:
    asked: dict[str, Any] = {} if clone is None else {"Clone": clone}

    planned = root("PlanRecipes", InstanceId=web, Recipes=["shop::tune"], **asked)

    assert args_of(root, planned) == {"app_ids": [], "recipes": ["shop::tune"], "plan": kind}
    [shown] = root("DescribeDeployments", DeploymentIds=[planned["DeploymentId"]])["Deployments"]
    assert shown["Command"]["Args"] == {"recipes": ["shop::tune"], "plan": [kind]}


@pytest.mark.parametrize("recipes", [[], ["no name"], ["a::b::c"]], ids=["none", "blank", "parts"])
def test_what_is_no_recipe_is_refused(root: Caller, web: str, recipes: list[str]) -> None:
    with pytest.raises(ValidationException, match="recipe"):
        root("PlanRecipes", InstanceId=web, Recipes=recipes)


def test_an_instance_that_is_not_online_cannot_plan(root: Caller, stack: str) -> None:
    down = root.instance(stack, root.layer(stack))

    with pytest.raises(ValidationException, match="is stopped: nobody there could plan"):
        root("PlanRecipes", InstanceId=down, Recipes=["shop::tune"])


def test_CreateDeployment_makes_no_plans(root: Caller, stack: str, web: str) -> None:
    command = {"Name": "execute_recipes", "Args": {"recipes": ["shop::tune"], "plan": ["dry_run"]}}
    made = root("CreateDeployment", StackId=stack, InstanceIds=[web], Command=command)
    with root.services.database.read() as conn:
        [command_of] = commands.of_deployment(conn, made["DeploymentId"])

    assert "plan" not in command_of.args


def test_S18_a_plan_takes_the_level_deploy_and_in_strict_mode_what_layers_name(
    root: Caller, stack: str, web: str
) -> None:
    root("CreateUser", UserName="ann")
    root("SetPermission", StackId=stack, IamUserArn=ANN, Level="show")
    with pytest.raises(AccessDeniedException):
        root.known("ann")("PlanRecipes", InstanceId=web, Recipes=["shop::warm_up"])

    root("SetPermission", StackId=stack, IamUserArn=ANN, Level="deploy")
    root("SetStackMode", StackId=stack, Strict=True)

    assert root.known("ann")("PlanRecipes", InstanceId=web, Recipes=["shop::warm_up"])["CommandId"]
    with pytest.raises(AccessDeniedException, match="strict mode"):
        root.known("ann")("PlanRecipes", InstanceId=web, Recipes=["shop::other"])
