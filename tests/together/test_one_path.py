"""The thinnest true path: a node joins, gets a signed command, runs a recipe, and its result is told."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.needs import needs_that
from tests.together.house import House
from toque_server.cli.demo.api import Refused, wait_until


@pytest.fixture(scope="module")
def web1(house: House) -> str:
    instance = house.join("web1")
    house.wait_for(instance, "online")
    return instance


def test_a_node_that_joins_is_set_up_and_comes_online(house: House, web1: str) -> None:
    commands = house.api("DescribeCommands", InstanceId=web1)["Commands"]

    assert commands[-1]["Type"] == "setup"
    assert {c["Type"] for c in commands} <= {"setup", "configure"}


def test_04_19_execute_recipes_runs_in_the_given_order(house: House, web1: str) -> None:
    command = house.run("work::after", "work::hello", on=[web1])

    log = house.api.log_of(command)
    assert command["Status"] == "successful"
    assert command["ExitCode"] == 0
    assert log.index("this comes after") < log.index("hello from web1")


def test_04_13_a_failing_recipe_ends_the_run_and_says_where_and_why(house: House, web1: str) -> None:
    command = house.run("work::fails", "work::after", on=[web1])

    log = house.api.log_of(command)
    assert (command["Status"], command["ExitCode"]) == ("failed", 1)
    assert "recipes/fails.py:4" in log
    assert "no kettle" in log
    assert "this comes after" not in log


def test_a_recipe_with_a_syntax_error_is_not_loaded(house: House, web1: str) -> None:
    command = house.run("work::syntax", on=[web1])

    assert (command["Status"], command["ExitCode"]) == ("failed", 2)
    assert "recipes/syntax.py:3" in house.api.log_of(command)


def test_a_mistyped_property_is_named_with_what_was_meant(house: House, web1: str) -> None:
    command = house.run("work::typo", on=[web1])

    log = house.api.log_of(command)
    assert command["ExitCode"] == 1
    assert "contents" in log
    assert "content" in log
    assert "recipes/typo.py:3" in log


def test_a_recipe_that_does_not_exist_is_named(house: House, web1: str) -> None:
    command = house.run("work::nowhere", on=[web1])

    assert (command["Status"], command["ExitCode"]) == ("failed", 2)
    assert "work::nowhere" in house.api.log_of(command)


def test_04_32_custom_json_of_a_deployment_is_seen_in_that_run_only(house: House, web1: str, tmp_path: Path) -> None:
    note = tmp_path / "note"
    given = json.dumps({"note": {"path": str(note), "text": "for this run"}})

    first = house.run("work::note", on=[web1], CustomJson=given)
    second = house.run("work::note", on=[web1])

    assert first["Status"] == "successful"
    assert note.read_text() == "for this run\n"
    assert second["Status"] == "failed"


def test_04_11_changing_records_creates_no_command(house: House, web1: str) -> None:
    before = house.api("DescribeCommands", InstanceId=web1)["Commands"]

    house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Configure": []})
    house.api("CreateApp", StackId=house.stack_id, Name="Unused", Type="other")

    assert house.api("DescribeCommands", InstanceId=web1)["Commands"] == before


def test_a_new_revision_of_the_cookbooks_arrives_with_update_custom_cookbooks(house: House, web1: str) -> None:
    house.publish(fresh="from toque import log\n\nlog('brand new')\n")

    command = house.run("work::fresh", on=[web1])

    assert "brand new" in house.api.log_of(command)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"Colour": "red"}, "Colour"),
        ({"StackId": 7}, "StackId"),
        ({"StackId": "no-such-stack"}, "no-such-stack"),
        ({"LayerIds": ["no-such-layer"]}, "no-such-layer"),
        ({"Command": {"Name": "nonsense"}}, "execute_recipes"),
        ({"Command": {"Name": "shutdown"}}, "shutdown"),
        ({"Command": {"Name": "execute_recipes"}}, "recipes"),
        ({"Command": {"Name": "deploy"}}, "AppId"),
        ({"CustomJson": "[1]"}, "CustomJson"),
    ],
)
def test_bad_input_is_refused_and_the_field_is_named(
    house: House, web1: str, members: dict[str, object], said: str
) -> None:
    request = {"StackId": house.stack_id, "Command": {"Name": "configure"}} | members

    with pytest.raises(Refused, match=said):
        house.api("CreateDeployment", **request)


def test_a_layer_of_another_stack_is_refused(house: House, web1: str) -> None:
    other = house.api(
        "CreateStack",
        Name="other",
        Region="local",
        ServiceRoleArn="arn:aws:iam::123456789012:role/toque",
        DefaultInstanceProfileArn="arn:aws:iam::123456789012:instance-profile/toque",
    )["StackId"]
    foreign = house.api("CreateLayer", StackId=other, Type="custom", Name="F", Shortname="foreign")["LayerId"]

    with pytest.raises(Refused, match=foreign):
        house.api("CreateInstance", StackId=house.stack_id, LayerIds=[foreign], InstanceType="small")


def test_a_cookbook_repository_that_does_not_exist_fails_the_command_and_says_so(house: House, web1: str) -> None:
    stack = house.api("DescribeStacks", StackIds=[house.stack_id])["Stacks"][0]
    wrong = {"Type": "git", "Url": "file:///nowhere/at/all", "Revision": "main"}
    house.api("UpdateStack", StackId=house.stack_id, CustomCookbooksSource=wrong)
    try:
        deployment = house.api("CreateDeployment", StackId=house.stack_id, Command={"Name": "update_custom_cookbooks"})[
            "DeploymentId"
        ]
        ended = house.wait_for_end(deployment)
        [command] = [c for c in house.api.commands(deployment) if c["InstanceId"] == web1]
    finally:
        source = {"Type": "git", "Url": stack["CustomCookbooksSource"]["Url"], "Revision": "main"}
        house.api("UpdateStack", StackId=house.stack_id, CustomCookbooksSource=source)

    assert ended == "failed"
    assert command["ExitCode"] == 3
    assert "nowhere/at/all" in house.api.log_of(command)


def test_04_33_commands_of_one_instance_run_one_after_the_other(house: House, web1: str, tmp_path: Path) -> None:
    note = tmp_path / "order"
    deployments = []
    for text in ("one", "two", "three"):
        given = json.dumps({"note": {"path": str(note), "text": text}})
        command = {"Name": "execute_recipes", "Args": {"recipes": ["work::note"]}}
        deployments.append(
            house.api(
                "CreateDeployment", StackId=house.stack_id, Command=command, InstanceIds=[web1], CustomJson=given
            )["DeploymentId"]
        )

    for deployment in deployments:
        house.wait_for_end(deployment)

    assert note.read_text().split() == ["one", "two", "three"]


def test_R6_a_run_outlives_its_agent_and_its_result_arrives(house: House, tmp_path: Path) -> None:
    instance = house.join("web2")
    house.wait_for(instance, "online")
    gate, note = tmp_path / "gate", tmp_path / "note"
    house.publish(
        gated=f"""
        import time
        from pathlib import Path
        Path({str(note)!r}).write_text("begun")
        while not Path({str(gate)!r}).exists():
            time.sleep(0.05)
        from toque import log
        log("the gate is open")
        """
    )
    command = house.run("work::gated", on=[instance], wait=False)
    wait_until("the run to begin", note.exists, seconds=30)

    house.nodes["web2"].kill()
    gate.touch()
    house.nodes["web2"].start()

    house.wait_for_end(command["DeploymentId"])
    [ended] = house.api.commands(command["DeploymentId"])
    assert (ended["Status"], ended["ExitCode"]) == ("successful", 0)
    assert "the gate is open" in house.api.log_of(ended)


def test_04_28_a_command_is_acknowledged_by_the_agent_and_has_its_log_from_then_on(house: House, web1: str) -> None:
    house.nodes["web1"].kill()
    waiting = house.run("work::hello", on=[web1], wait=False)
    assert "AcknowledgedAt" not in waiting
    assert "LogUrl" not in waiting

    house.nodes["web1"].start()

    house.wait_for_end(waiting["DeploymentId"])
    [ended] = house.api.commands(waiting["DeploymentId"])
    assert ended["AcknowledgedAt"]
    assert "hello from web1" in house.api.log_of(ended)


def test_S10_a_revoked_key_is_refused_and_the_agent_says_so(house: House) -> None:
    instance = house.join("web3")
    house.wait_for(instance, "online")

    house.api("RevokeNodeKey", InstanceId=instance)

    command = house.run("work::hello", on=[instance], wait=False)
    node = house.nodes["web3"]
    wait_until("the agent to be refused", lambda: node.log().count("the server refuses contact") >= 2, seconds=60)
    assert "The key of this node was revoked" in node.log()
    assert "toque agent enrol --server URL --token TOKEN" in node.log()
    assert node.process is not None and node.process.poll() is None, "it must go on trying"
    assert house.api.commands(command["DeploymentId"])[0].get("AcknowledgedAt") is None


@needs_that("the last OpsWorks clients: run 'make setup', or set TOQUE_AWS", lambda: "TOQUE_AWS" in os.environ)
def test_the_aws_client_sees_what_the_api_sees(house: House, web1: str) -> None:
    argv = [
        os.environ["TOQUE_AWS"],
        "opsworks",
        "describe-instances",
        "--stack-id",
        house.stack_id,
        "--query",
        "Instances[].Hostname",
    ]

    ran = subprocess.run(argv, capture_output=True, text=True, env=house.server.aws_environment(), timeout=60)

    assert ran.returncode == 0, ran.stderr
    assert "web1" in json.loads(ran.stdout)
