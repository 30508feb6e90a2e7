from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from tests.server.operations.calls import Caller
from toque_server.domain.command import CommandStatus
from toque_server.domain.instance import Status
from toque_server.operations.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    ValidationException,
)
from toque_server.store import commands


class House:
    """A stack with an app, an instance that is online, and one that is stopped."""

    def __init__(self, root: Caller) -> None:
        self.root = root
        self.stack = root.stack()
        self.layer = root.layer(self.stack)
        self.app = root.app(self.stack)
        self.up, self.down = root.instance(self.stack, self.layer), root.instance(self.stack, self.layer)
        root.bring_online(self.up)

    def order(self, name: str, args: dict[str, list[str]] | None = None, **members: Any) -> str:
        command: dict[str, Any] = {"Name": name} if args is None else {"Name": name, "Args": args}
        return str(self.root("CreateDeployment", StackId=self.stack, Command=command, **members)["DeploymentId"])

    def deployment(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.root("DescribeDeployments", DeploymentIds=[id])["Deployments"][0]
        return found

    def commands(self, id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.root("DescribeCommands", DeploymentId=id)["Commands"]
        return found


@pytest.fixture
def house(root: Caller) -> House:
    return House(root)


def test_04_16_and_05_12_and_05_14_deploy_needs_an_app_and_goes_to_everyone_online(root_on_either: Caller) -> None:
    house = House(root_on_either)
    with pytest.raises(ValidationException, match="app ID"):
        house.order("deploy")

    id = house.order("deploy", AppId=house.app, Comment="hello")

    assert [each["InstanceId"] for each in house.commands(id)] == [house.up]
    shown = house.deployment(id)
    assert (shown["Status"], shown["InstanceIds"], shown["Comment"]) == ("running", [house.up], "hello")
    assert shown["IamUserArn"] == house.root.principal.arn
    assert "CompletedAt" not in shown and "Duration" not in shown
    house.order("configure")


def test_04_16_nobody_online_is_an_error(root: Caller) -> None:
    stack = root.stack()
    root.instance(stack, root.layer(stack))

    with pytest.raises(ValidationException, match="no instance that can run"):
        root("CreateDeployment", StackId=stack, Command={"Name": "configure"})


def test_04_20_and_05_13_recipes_are_needed_and_have_a_grammar(house: House) -> None:
    for args in ({}, {"recipes": [""]}, {"recipes": ["a b"]}, {"recipes": ["../x"]}):
        with pytest.raises(ValidationException):
            house.order("execute_recipes", args)

    id = house.order("execute_recipes", {"recipes": ["a::x", "a::y"]})

    assert house.deployment(id)["Command"] == {"Name": "execute_recipes", "Args": {"recipes": ["a::x", "a::y"]}}


def test_04_21_and_05_37_the_console_s_names_are_kept_as_sent(house: House) -> None:
    with pytest.raises(ValidationException, match="allow_reboot"):
        house.order("update_dependencies", {"upgrade_os_to": ["Debian 12"]})

    upgrade = house.order("upgrade_operating_system")
    update = house.order("update_cookbooks")

    assert house.deployment(upgrade)["Command"]["Name"] == "upgrade_operating_system"
    assert [each["Type"] for each in house.commands(upgrade)] == ["update_dependencies"]
    assert [each["Type"] for each in house.commands(update)] == ["update_custom_cookbooks"]


@pytest.mark.parametrize("name", ["nonsense", "shutdown", "update_agent", "sync_remote_users"])
def test_04_22_other_names_are_refused_with_the_names(house: House, name: str) -> None:
    with pytest.raises(ValidationException, match="execute_recipes"):
        house.order(name)


def test_04_24_and_05_15_named_instances_that_cannot_act_are_skipped(house: House) -> None:
    id = house.order("configure", InstanceIds=[house.down])

    [command] = house.commands(id)
    assert (command["Status"], command["InstanceId"]) == ("skipped", house.down)
    assert "CompletedAt" in command and "ExitCode" not in command
    assert house.deployment(id)["Status"] == "successful"


def test_04_24_setup_runs_on_setup_failed_and_configure_does_not(house: House) -> None:
    house.root.bring(house.down, Status.REQUESTED, Status.PENDING, Status.BOOTING, Status.RUNNING_SETUP)
    house.root.bring(house.down, Status.SETUP_FAILED)

    assert {c["Status"] for c in house.commands(house.order("setup", InstanceIds=[house.down]))} == {"pending"}
    assert {c["Status"] for c in house.commands(house.order("configure", InstanceIds=[house.down]))} == {"skipped"}


def test_ids_of_another_stack_are_not_found(house: House) -> None:
    other = House(house.root)

    for members in (
        {"InstanceIds": [other.up]},
        {"LayerIds": [other.layer]},
        {"AppId": other.app},
    ):
        with pytest.raises(ResourceNotFoundException, match=r"in (this )?stack"):
            house.order("configure", **members)


def test_layers_and_instances_together_are_their_union(house: House) -> None:
    second = house.root.layer(house.stack, "second")
    more = house.root.instance(house.stack, second)
    house.root.bring_online(more)

    id = house.order("configure", LayerIds=[second], InstanceIds=[house.up])

    assert {each["InstanceId"] for each in house.commands(id)} == {house.up, more}


def test_04_28_and_04_31_a_log_url_is_there_from_the_acknowledgement_on(house: House) -> None:
    id = house.order("configure")
    [pending] = house.commands(id)
    assert "AcknowledgedAt" not in pending and "LogUrl" not in pending

    database = house.root.services.database
    with database.write() as conn:
        [seen] = commands.of_deployment(conn, id)
        assert commands.acknowledge(conn, seen, database.now(conn))

    [running] = house.commands(id)
    assert running["Status"] == "pending" and "AcknowledgedAt" in running
    assert running["LogUrl"].startswith(f"http://127.0.0.1:8780/logs/{seen.id}?")


def test_04_29_an_expired_command_is_failed_to_opsworks_clients_and_expired_to_ours(house: House) -> None:
    id = house.order("configure")
    database = house.root.services.database
    with database.write() as conn:
        [seen] = commands.of_deployment(conn, id)
        commands.finish(conn, seen, CommandStatus.EXPIRED, None, database.now(conn), "nobody fetched it")

    [shown] = house.commands(id)

    assert shown["Status"] == "failed"
    log = house.root("GetCommandLog", CommandId=seen.id)
    assert (log["Status"], log["Reason"]) == ("expired", "nobody fetched it")


def test_05_36_duration_is_in_whole_seconds(house: House) -> None:
    from msgspec.structs import replace

    from toque_server.domain.command import DeploymentStatus
    from toque_server.store import deployments

    id = house.order("configure")
    with house.root.services.database.write() as conn:
        seen = deployments.get(conn, id)
        assert seen is not None
        ended = replace(seen, status=DeploymentStatus.SUCCESSFUL, completed_at=seen.created_at + timedelta(seconds=72))
        deployments.finish(conn, seen, ended)

    assert house.deployment(id)["Duration"] == 72


def test_01_18_custom_json_of_a_deployment_is_kept_with_it_and_checked(house: House) -> None:
    id = house.order("configure", CustomJson='{"debug":  true}')

    assert house.deployment(id)["CustomJson"] == '{"debug":  true}'
    with pytest.raises(ValidationException, match="CustomJson"):
        house.order("configure", CustomJson="[]")


def test_04_36_the_deploy_level_runs_commands_and_show_does_not(house: House) -> None:
    root = house.root
    arn = root("CreateUser", UserName="ann")["UserArn"]
    ann = root.as_user("ann")
    root("SetPermission", StackId=house.stack, IamUserArn=arn, Level="show")
    with pytest.raises(AccessDeniedException):
        ann("CreateDeployment", StackId=house.stack, Command={"Name": "configure"})
    root("SetPermission", StackId=house.stack, IamUserArn=arn, Level="deploy")

    id = ann("CreateDeployment", StackId=house.stack, AppId=house.app, Command={"Name": "deploy"})["DeploymentId"]

    assert house.deployment(id)["IamUserArn"] == arn


def test_04_37_two_selectors_are_refused(house: House) -> None:
    for operation, selectors in (
        ("DescribeDeployments", {"StackId": house.stack, "AppId": house.app}),
        ("DescribeCommands", {"InstanceId": house.up, "DeploymentId": "x"}),
        ("DescribeCommands", {}),
    ):
        with pytest.raises(ValidationException, match="Please provide either"):
            house.root(operation, **selectors)


def test_09_14_the_unedited_skeleton_is_refused_and_names_the_stack(house: House) -> None:
    skeleton = {
        "StackId": "",
        "AppId": "",
        "InstanceIds": [""],
        "LayerIds": [""],
        "Command": {"Name": "configure", "Args": {"KeyName": [""]}},
        "Comment": "",
        "CustomJson": "",
    }

    with pytest.raises(ValidationException, match="StackId"):
        house.root("CreateDeployment", **skeleton)

    house.root("CreateDeployment", **skeleton | {"StackId": house.stack})


def test_09_31_a_command_without_arguments_shows_an_empty_map(house: House) -> None:
    assert house.deployment(house.order("configure"))["Command"] == {"Name": "configure", "Args": {}}


def test_09_10_a_deployment_to_100_instances_asks_the_database_no_more_than_one_to_ten(house: House) -> None:
    """How long it takes is for bench/order.py to measure; what would break it is work for each instance."""

    def ten_more(times: int) -> None:
        for _ in range(times):
            house.root.bring_online(*(house.root.instance(house.stack, house.layer) for _ in range(10)))

    def statements() -> int:
        said: list[str] = []

        def hear(*about: Any) -> None:
            said.append(about[2])

        engine = house.root.services.database.engine
        event.listen(engine, "before_cursor_execute", hear)
        try:
            id = house.order("configure")
        finally:
            event.remove(engine, "before_cursor_execute", hear)
        assert len(house.commands(id)) == len(house.deployment(id)["InstanceIds"])
        return len(said)

    ten_more(1)
    few = statements()
    ten_more(9)

    assert statements() == few


def test_a_log_is_read_piece_by_piece_without_cutting_a_character(house: House) -> None:
    from toque_server.store import logs

    [command] = house.commands(house.order("configure"))
    text = "aé€𝄞b" * 3
    with house.root.services.database.write() as conn:
        logs.append(conn, command["CommandId"], 0, text.encode())

    read, offset = "", 0
    while offset < len(text.encode()):
        piece = house.root("GetCommandLog", CommandId=command["CommandId"], Offset=offset, Limit=5)
        read, offset = read + piece["Text"], piece["NextOffset"]

    assert read == text
    assert piece["Complete"] is False
