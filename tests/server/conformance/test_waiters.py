"""The client's six waiters against the server, in both directions (chapter 09 § 8)."""

from __future__ import annotations

import os

import pytest

from tests.needs import needs_that
from tests.server.conformance.case import NOWHERE
from tests.server.conformance.cases.clusters import check_paging
from tests.server.conformance.cases.deployments import deployed
from tests.server.conformance.cases.registered import registered
from tests.server.conformance.world import Refused, World
from toque_server.domain.instance import Status

pytestmark = [
    pytest.mark.aws,
    needs_that("the last OpsWorks clients: run 'make setup', or set TOQUE_AWS", lambda: "TOQUE_AWS" in os.environ),
]
UP = (Status.REQUESTED, Status.PENDING, Status.BOOTING, Status.RUNNING_SETUP)


@pytest.fixture
def instance(world: World) -> str:
    stack = world.stack()
    return world.instance(stack, world.layer(stack))


def test_the_waiters_are_the_six(world: World) -> None:
    assert world.boto.model["waiters"] == [
        "app_exists",
        "deployment_successful",
        "instance_online",
        "instance_registered",
        "instance_stopped",
        "instance_terminated",
    ]


def test_09_21_app_exists(world: World) -> None:
    app = world.app(world.stack())

    world.wait("app_exists", AppIds=[app])
    with pytest.raises(Refused, match="WaiterError"):
        world.wait("app_exists", AppIds=[NOWHERE])


def test_09_17_deployment_successful(world: World) -> None:
    stack, _, instance, deployment = deployed(world)
    with pytest.raises(Refused, match="Max attempts exceeded"):
        world.wait("deployment_successful", DeploymentIds=[deployment])

    world.end(deployment, exit_code=0)
    world.wait("deployment_successful", DeploymentIds=[deployment])

    bad = world("CreateDeployment", StackId=stack, Command={"Name": "configure"}, InstanceIds=[instance])[
        "DeploymentId"
    ]
    world.end(bad, exit_code=1)
    with pytest.raises(Refused, match="terminal failure state"):
        world.wait("deployment_successful", DeploymentIds=[bad])
    # 09 § 8, consequence 6: all of them, or it is a failure.
    with pytest.raises(Refused, match="terminal failure state"):
        world.wait("deployment_successful", DeploymentIds=[deployment, bad])


def test_09_18_instance_online(world: World, instance: str) -> None:
    with pytest.raises(Refused, match="terminal failure state"):
        world.wait("instance_online", InstanceIds=[instance])

    world("StartInstance", InstanceId=instance)
    # It must not see `stopped` any more: it waits, and only our few attempts end it.
    with pytest.raises(Refused, match="Max attempts exceeded"):
        world.wait("instance_online", InstanceIds=[instance])
    world.inside.bring(instance, *UP[1:], Status.ONLINE)
    world.wait("instance_online", InstanceIds=[instance])


def test_09_23_instance_online_ends_at_once_for_an_unknown_instance(world: World) -> None:
    with pytest.raises(Refused, match="ResourceNotFoundException"):
        world.wait("instance_online", InstanceIds=[NOWHERE], attempts=1000)


def test_09_22_instance_registered(world: World, instance: str) -> None:
    stack = world("DescribeInstances", InstanceIds=[instance])["Instances"][0]["StackId"]
    machine = registered(world, stack, "iron")

    world.wait("instance_registered", InstanceIds=[machine])
    with pytest.raises(Refused, match="terminal failure state"):
        world.wait("instance_registered", InstanceIds=[instance])


def test_09_19_instance_stopped(world: World, instance: str) -> None:
    world.inside.bring(instance, *UP, Status.SETUP_FAILED)
    with pytest.raises(Refused, match="terminal failure state"):
        world.wait("instance_stopped", InstanceIds=[instance])

    world("StopInstance", InstanceId=instance)
    with pytest.raises(Refused, match="Max attempts exceeded"):
        world.wait("instance_stopped", InstanceIds=[instance])
    world.inside.bring(instance, Status.STOPPED, machine_id=None)
    world.wait("instance_stopped", InstanceIds=[instance])


def test_09_20_instance_terminated(world: World, instance: str) -> None:
    with pytest.raises(Refused, match="Max attempts exceeded"):
        world.wait("instance_terminated", InstanceIds=[instance])

    world("DeleteInstance", InstanceId=instance)
    world.wait("instance_terminated", InstanceIds=[instance])

    stack = world.stack(Name="second")
    online = world.instance(stack, world.layer(stack))
    world.inside.bring_online(online)
    with pytest.raises(Refused, match="terminal failure state"):
        world.wait("instance_terminated", InstanceIds=[online])


def test_09_24_the_only_paginator_reaches_the_end(world: World) -> None:
    check_paging(world)
