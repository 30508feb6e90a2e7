from __future__ import annotations

import pytest

from tests.server.operations.calls import Caller
from toque_server.domain.instance import Status
from toque_server.operations.errors import ValidationException
from toque_server.store import commands


def test_stacks_are_counted_by_status_and_by_what_runs(root_on_either: Caller) -> None:
    root = root_on_either
    stack, empty = root.stack(), root.stack(Name="empty")
    layer = root.layer(stack)
    up, _ = root.instance(stack, layer), root.instance(stack, layer)
    root.bring_online(up)
    app = root.app(stack)
    root("CreateDeployment", StackId=stack, AppId=app, Command={"Name": "deploy"})

    shown = {each["StackId"]: each for each in root("DescribeStackOverviews")["Stacks"]}

    assert shown[stack]["Instances"] == {"online": 1, "stopped": 1}
    assert (shown[stack]["Layers"], shown[stack]["Apps"], shown[stack]["RunningDeployments"]) == (1, 1, 1)
    assert (shown[empty]["Instances"], shown[empty]["Layers"], shown[empty]["RunningDeployments"]) == ({}, 0, 0)


def test_a_stranger_sees_no_stack(root: Caller) -> None:
    root.stack()

    assert root.as_user("stranger")("DescribeStackOverviews")["Stacks"] == []


def test_a_command_is_queued_then_acknowledged_then_running_then_ended(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    up = root.instance(stack, root.layer(stack))
    root.bring_online(up)
    order = {"Name": "execute_recipes", "Args": {"recipes": ["a::b"]}}
    id = root("CreateDeployment", StackId=stack, Command=order)["DeploymentId"]
    database = root.services.database

    [queued] = root("DescribeCommandDetails", StackId=stack)["Commands"]
    assert (queued["State"], queued["Recipes"], queued["Hostname"]) == ("queued", ["a::b"], "app1")
    with database.write() as conn:
        [seen] = commands.of_deployment(conn, id)
        assert commands.acknowledge(conn, seen, database.now(conn))
    [acknowledged] = root("DescribeCommandDetails", DeploymentId=id)["Commands"]
    assert acknowledged["State"] == "acknowledged" and "Seconds" in acknowledged
    [progress] = root("DescribeProgress", StackId=stack)["Deployments"]
    assert (progress["Commands"], progress["Status"]) == ({"running": 1}, "running")
    with database.write() as conn:
        [seen] = commands.of_deployment(conn, id)
        commands.finish(conn, seen, commands.CommandStatus.EXPIRED, None, database.now(conn), "nobody fetched it")

    assert root("DescribeCommandDetails", StackId=stack)["Commands"] == []
    [ended] = root("DescribeCommandDetails", InstanceId=up)["Commands"]
    assert (ended["State"], ended["Reason"]) == ("expired", "nobody fetched it")
    assert root("DescribeProgress", DeploymentIds=[id])["Deployments"][0]["Commands"] == {"expired": 1}


def test_the_newest_deployments_come_in_pages(root: Caller) -> None:
    stack = root.stack()
    root.bring_online(root.instance(stack, root.layer(stack)))
    ids = [root("CreateDeployment", StackId=stack, Command={"Name": "configure"})["DeploymentId"] for _ in range(3)]

    first = root("DescribeProgress", StackId=stack, MaxResults=2)
    second = root("DescribeProgress", StackId=stack, MaxResults=2, NextToken=first["NextToken"])

    assert "NextToken" not in second
    assert [each["DeploymentId"] for each in first["Deployments"] + second["Deployments"]] == ids[::-1]
    with pytest.raises(ValidationException):
        root("DescribeProgress", StackId=stack, MaxResults=501)


def test_deployments_and_commands_made_meanwhile_move_no_page(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    up = root.instance(stack, root.layer(stack))
    root.bring_online(up)

    def deploy() -> str:
        return str(root("CreateDeployment", StackId=stack, Command={"Name": "configure"})["DeploymentId"])

    ids = [deploy() for _ in range(4)]
    seen: dict[str, list[str]] = {"DescribeProgress": [], "DescribeCommandDetails": []}
    for operation, records in (("DescribeProgress", "Deployments"), ("DescribeCommandDetails", "Commands")):
        token: str | None = ""
        while token is not None:
            answer = root(operation, StackId=stack, MaxResults=2, NextToken=token)
            seen[operation] += [each["DeploymentId"] for each in answer[records]]
            token = answer.get("NextToken")
            if len(seen[operation]) == 2:
                ids.append(deploy())

    assert seen == {"DescribeProgress": ids[3::-1], "DescribeCommandDetails": ids[4::-1]}


def test_a_condition_says_since_when_and_why(root: Caller) -> None:
    stack = root.stack()
    id = root.instance(stack, root.layer(stack))
    root.bring(id, Status.REQUESTED)

    [shown] = root("DescribeConditions", InstanceId=id)["Conditions"]

    assert (shown["Status"], shown["Hostname"], shown["Reason"], shown["Healing"]) == ("requested", "app1", "", False)
    assert "SilentSeconds" not in shown and shown["Facts"] == {}
    assert root("DescribeConditions", StackId=stack)["Conditions"] == [shown]
