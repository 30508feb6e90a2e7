"""The deployments of a stack, and one of them: how far it is on each instance."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from toque_server.console.desk import Desk
from toque_server.console.facts import Topic, last_number

_PER_PAGE = 50


def register(console: Blueprint, desk: Desk) -> None:
    @console.get("/stacks/<stack_id>/deployments")
    def deployments(stack_id: str) -> str:
        after = last_number(desk.call, Topic(stack_id))
        [stack] = desk.call("DescribeStacks", StackIds=[stack_id])["Stacks"]
        behind = request.args.get("behind")
        found = desk.call("DescribeProgress", StackId=stack_id, MaxResults=_PER_PAGE, NextToken=behind)
        return render_template(
            "deployments.html",
            stack=stack,
            after=after,
            apps=_app_names(desk, stack_id),
            deployments=found["Deployments"],
            is_first=behind is None,
            older=found.get("NextToken"),
        )

    @console.get("/deployments/<deployment_id>")
    def deployment(deployment_id: str) -> str:
        [found] = desk.call("DescribeProgress", DeploymentIds=[deployment_id])["Deployments"]
        stack_id = found["StackId"]
        after = last_number(desk.call, Topic(stack_id))
        [stack] = desk.call("DescribeStacks", StackIds=[stack_id])["Stacks"]
        commands = desk.every("DescribeCommandDetails", "Commands", DeploymentId=deployment_id)
        return render_template(
            "deployment.html",
            stack=stack,
            after=after,
            deployment=found,
            app=_app_names(desk, stack_id).get(found.get("AppId", "")),
            commands=sorted(commands, key=lambda each: each["Hostname"]),
        )


def _app_names(desk: Desk, stack_id: str) -> dict[str, str]:
    return {each["AppId"]: each["Name"] for each in desk.call("DescribeApps", StackId=stack_id)["Apps"]}
