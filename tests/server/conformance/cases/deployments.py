"""Deployments and their commands."""

from __future__ import annotations

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World


def deployed(w: World) -> tuple[str, str, str, str]:
    """A stack with an app on an online instance; their ids, and the deployment's."""
    stack = w.stack()
    instance, app = w.instance(stack, w.layer(stack)), w.app(stack)
    w.inside.bring_online(instance)
    deployment = w(
        "CreateDeployment",
        StackId=stack,
        AppId=app,
        Command={"Name": "deploy", "Args": {"migrate": ["true"]}},
        Comment="the first",
        CustomJson='{"a": 1}',
    )["DeploymentId"]
    return stack, app, instance, deployment


@case("CreateDeployment")
def create_deployment(w: World) -> Case:
    stack = w.stack()
    layer = w.layer(stack)
    instance, app = w.instance(stack, layer), w.app(stack)
    w.inside.bring_online(instance)
    least = {"StackId": stack, "Command": {"Name": "configure"}}
    deploy = {"StackId": stack, "AppId": app, "Command": {"Name": "deploy", "Args": {"migrate": ["true"]}}}
    named = [
        {"StackId": stack, "Command": {"Name": name}}
        for name in ("setup", "update_dependencies", "install_dependencies", "update_custom_cookbooks")
    ]
    for_app = [{**deploy, "Command": {"Name": name}} for name in ("start", "stop", "restart", "rollback", "undeploy")]
    return Case(
        minimal=least,
        fuller=[
            {**deploy, "InstanceIds": [instance], "Comment": "the first", "CustomJson": '{"a": 1}'},
            {**deploy, "LayerIds": [layer]},
            {"StackId": stack, "Command": {"Name": "execute_recipes", "Args": {"recipes": ["a::b"]}}},
            {"StackId": stack, "Command": {"Name": "upgrade_operating_system"}},
            *named,
            *for_app,
        ],
        invalid=[
            ({"StackId": stack, "Command": {"Name": "nonsense"}}, "nonsense"),
            ({"StackId": stack, "Command": {"Name": "deploy"}}, "AppId"),
            ({"StackId": stack, "Command": {"Name": "execute_recipes"}}, "recipes"),
            ({**least, "CustomJson": "[]"}, "CustomJson"),
        ],
        missing=[
            ({**least, "StackId": NOWHERE}, NOWHERE),
            ({**deploy, "AppId": NOWHERE}, NOWHERE),
            ({**least, "InstanceIds": [NOWHERE]}, NOWHERE),
            ({**least, "LayerIds": [NOWHERE]}, NOWHERE),
        ],
    )


@case("DescribeDeployments")
def describe_deployments(w: World) -> Case:
    stack, app, _, deployment = deployed(w)
    return Case(
        minimal={"StackId": stack},
        fuller=[{"AppId": app}, {"DeploymentIds": [deployment]}],
        invalid=[({}, "Please provide"), ({"StackId": stack, "AppId": app}, "Please provide")],
        missing=[({"StackId": NOWHERE}, NOWHERE), ({"AppId": NOWHERE}, NOWHERE), ({"DeploymentIds": [NOWHERE]}, NOWHERE)],
        absent={"Deployments.CompletedAt": "it runs", "Deployments.Duration": "it runs"},
    )  # fmt: skip


@case("DescribeCommands")
def describe_commands(w: World) -> Case:
    _, _, instance, deployment = deployed(w)
    command = w("DescribeCommands", DeploymentId=deployment)["Commands"][0]["CommandId"]
    return Case(
        minimal={"DeploymentId": deployment},
        fuller=[{"InstanceId": instance}, {"CommandIds": [command]}],
        invalid=[({}, "Please provide"), ({"DeploymentId": deployment, "InstanceId": instance}, "Please provide")],
        missing=[({"DeploymentId": NOWHERE}, NOWHERE), ({"InstanceId": NOWHERE}, NOWHERE), ({"CommandIds": [NOWHERE]}, NOWHERE)],
        absent={
            "Commands.AcknowledgedAt": "no agent has taken it",
            "Commands.CompletedAt": "no agent has taken it",
            "Commands.ExitCode": "no agent has taken it",
            "Commands.LogUrl": "no agent has taken it",
        },
    )  # fmt: skip
