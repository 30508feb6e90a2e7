"""Deployments: targets, arguments and the end (chapter 04, E-8 to E-13)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.server.made import NOW, instance
from toque_server.domain.command import CommandStatus, Deployment, DeploymentStatus
from toque_server.domain.deployment import (
    APP_COMMANDS,
    STACK_COMMANDS,
    CommandArgs,
    InvalidDeployment,
    NotInStack,
    checked,
    command_type,
    commands_for,
    settle,
    targets,
)
from toque_server.domain.instance import Status

WEB, DB = instance("web", Status.ONLINE, layers=("app",)), instance("db", Status.ONLINE, layers=("db",))
BROKEN, REGISTERED = instance("broken", Status.SETUP_FAILED), instance("node", Status.REGISTERED, layers=())
OFF = instance("off", Status.STOPPED)
STACK = [WEB, DB, BROKEN, REGISTERED, OFF]


def test_04_16_without_instance_ids_all_online_instances_are_addressed() -> None:
    assert targets("deploy", STACK).able == (WEB, DB)


def test_04_16_a_stack_with_none_online_is_refused() -> None:
    with pytest.raises(InvalidDeployment, match="no instance that can run deploy"):
        targets("deploy", [OFF, BROKEN])


def test_04_16_an_app_command_without_an_app_is_refused() -> None:
    with pytest.raises(InvalidDeployment, match="app ID"):
        checked("deploy", {}, app_id=None)


def test_instances_and_layers_together_are_their_union() -> None:
    assert targets("deploy", STACK, instance_ids=["web"], layer_ids=["db"]).able == (WEB, DB)


@pytest.mark.parametrize(
    ("type", "explicit", "expected"),
    [
        ("deploy", False, {"web", "db"}),
        ("setup", False, {"web", "db", "broken"}),
        ("execute_recipes", False, {"web", "db", "node"}),
        ("execute_recipes", True, {"web", "db", "node", "broken"}),
        ("update_dependencies", True, {"web", "db", "node", "broken"}),
        ("configure", True, {"web", "db"}),
    ],
)
def test_who_can_act_depends_on_the_command(type: str, explicit: bool, expected: set[str]) -> None:
    chosen = targets(type, STACK, instance_ids=[each.id for each in STACK] if explicit else None)

    assert {each.id for each in chosen.able} == expected
    assert {each.id for each in chosen.unable} == ({each.id for each in STACK} - expected if explicit else set())


def test_04_24_configure_on_an_instance_whose_setup_failed_is_skipped_when_named() -> None:
    chosen = targets("configure", STACK, instance_ids=["broken"])

    made = commands_for(
        DEPLOYMENT, CommandArgs("configure", {}), chosen, ["c-1"], expires_at=NOW, deadline=timedelta(hours=1)
    )

    assert [(c.status, c.exit_code, c.completed_at) for c in made] == [(CommandStatus.SKIPPED, None, NOW)]
    assert targets("setup", STACK, instance_ids=["broken"]).able == (BROKEN,)


def test_strangers_are_named_in_the_refusal() -> None:
    with pytest.raises(NotInStack, match="i-elsewhere"):
        targets("deploy", STACK, instance_ids=["i-elsewhere"])
    with pytest.raises(NotInStack, match="l-elsewhere"):
        targets("deploy", STACK, layer_ids=["l-elsewhere"], stack_layer_ids=["app", "db"])


def test_04_20_execute_recipes_needs_recipes() -> None:
    with pytest.raises(InvalidDeployment, match="recipes"):
        checked("execute_recipes", {"recipes": []}, app_id=None)
    assert checked("execute_recipes", {"recipes": ["a::x", "a::y"]}, app_id=None).args["recipes"] == ["a::x", "a::y"]


def test_04_21_an_os_upgrade_needs_leave_to_reboot() -> None:
    with pytest.raises(InvalidDeployment, match="allow_reboot"):
        checked("update_dependencies", {"upgrade_os_to": ["Debian 13"]}, app_id=None)

    alias = checked("upgrade_operating_system", {}, app_id=None)

    assert (alias.type, alias.args["allow_reboot"]) == ("update_dependencies", True)
    assert checked("update_dependencies", {}, app_id=None).args["allow_reboot"] is False


@pytest.mark.parametrize("name", ["shutdown", "deregister", "sync_remote_users", "reboot", "dance"])
def test_04_22_other_names_are_refused_with_the_list(name: str) -> None:
    with pytest.raises(InvalidDeployment) as refused:
        command_type(name)

    assert all(known in str(refused.value) for known in (*APP_COMMANDS, *STACK_COMMANDS))


def test_unknown_arguments_are_ignored_with_a_warning() -> None:
    made = checked("deploy", {"migrate": ["true"], "speed": ["11"]}, app_id="app-1")

    assert made.args == {"app_ids": ["app-1"], "migrate": True}
    assert made.warnings == ("argument 'speed' is not known to deploy and was ignored",)


def test_a_flag_is_true_or_false() -> None:
    with pytest.raises(InvalidDeployment, match="migrate is true or false"):
        checked("deploy", {"migrate": ["maybe"]}, app_id="app-1")


DEPLOYMENT = Deployment(id="d-1", stack_id="s-1", command_name="deploy", created_at=NOW)


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        ("successful successful", "successful"),
        ("successful pending", None),
        ("failed pending", None),
        ("failed successful", "failed"),
        ("skipped successful", "successful"),
        ("skipped", "successful"),
        ("expired successful", "failed"),
    ],
)
def test_04_18_a_deployment_ends_when_all_its_commands_have(ends: str, expected: str | None) -> None:
    ended = settle(DEPLOYMENT, [CommandStatus(end) for end in ends.split()], NOW)

    assert (ended and ended.status) == (expected and DeploymentStatus(expected))
    assert ended is None or ended.completed_at == NOW


def test_a_deployment_ends_once() -> None:
    ended = settle(DEPLOYMENT, [CommandStatus.SUCCESSFUL], NOW)
    assert ended is not None

    assert settle(ended, [CommandStatus.FAILED], NOW) is None
