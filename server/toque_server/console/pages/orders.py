"""Deploying an app, and running a command: one form, which shows on whom before it asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from toque_server.console.desk import Desk
from toque_server.console.problems import notice, said
from toque_server.operations.errors import OperationError, ValidationException


class Choice(NamedTuple):
    name: str
    title: str
    effect: str


APP = (
    Choice("deploy", "Deploy", "Fetches the app's source and switches each instance to it."),
    Choice("rollback", "Roll back", "Switches each instance back to the release before."),
    Choice("restart", "Restart", "Restarts the app's processes."),
    Choice("start", "Start", "Starts the app's processes."),
    Choice("stop", "Stop", "Stops the app's processes; the release stays."),
    Choice("undeploy", "Undeploy", "Removes the app from each instance."),
)
STACK = (
    Choice("execute_recipes", "Execute recipes", "Runs the recipes named below, in their order."),
    Choice("setup", "Setup", "Runs the Setup recipes again; an instance is out of service meanwhile."),
    Choice("configure", "Configure", "Runs the Configure recipes."),
    Choice("update_custom_cookbooks", "Update custom cookbooks", "Fetches the cookbooks from their source."),
    Choice("install_dependencies", "Install dependencies", "Installs the packages of the layers."),
    Choice("update_dependencies", "Update dependencies", "Updates the operating system's packages."),
)


def register(console: Blueprint, desk: Desk) -> None:
    def form(stack_id: str, *, about: str, given: Any, problem: OperationError | None = None) -> Response:
        [stack] = desk.call("DescribeStacks", StackIds=[stack_id])["Stacks"]
        instances = desk.call("DescribeInstances", StackId=stack_id)["Instances"]
        chosen = given.getlist("instance")
        page = render_template(
            "order.html",
            stack=stack,
            about=about,
            choices=APP if about == "app" else STACK,
            apps=desk.call("DescribeApps", StackId=stack_id)["Apps"],
            instances=sorted(instances, key=lambda each: each["Hostname"]),
            recipes=_recipes(desk, stack_id) if about == "stack" else [],
            given=given,
            chosen=chosen or [each["InstanceId"] for each in instances if each["Status"] == "online"],
            problem=problem,
            advice=said(problem)[2] if problem else "",
        )
        return make_response(page, said(problem)[0] if problem else 200)

    def order(stack_id: str, about: str) -> Response:
        given = request.form
        recipes = given.get("recipes", "").replace(",", " ").split()
        named = given.get("command", "")
        try:
            if not given.getlist("instance"):
                # To the API, no instances are all instances; on a form they are a mistake.
                raise ValidationException("Please choose at least one instance")
            made = desk.call(
                "CreateDeployment",
                StackId=stack_id,
                AppId=given.get("app") or None,
                Command={"Name": named, "Args": {"recipes": recipes} if recipes else {}},
                InstanceIds=given.getlist("instance"),
                Comment=given.get("comment") or None,
                CustomJson=given.get("custom_json", "").strip() or None,
            )
        except OperationError as error:
            return form(stack_id, about=about, given=given, problem=error)
        notice("It is on its way. This page follows it.")
        return redirect(url_for("console.deployment", deployment_id=made["DeploymentId"]), 303)

    @console.get("/stacks/<stack_id>/deploy")
    def deploy(stack_id: str) -> Response:
        return form(stack_id, about="app", given=request.args)

    @console.post("/stacks/<stack_id>/deploy", endpoint="deploying")
    def deploying(stack_id: str) -> Response:
        return order(stack_id, "app")

    @console.get("/stacks/<stack_id>/run-command")
    def run_command(stack_id: str) -> Response:
        return form(stack_id, about="stack", given=request.args)

    @console.post("/stacks/<stack_id>/run-command", endpoint="running_command")
    def running_command(stack_id: str) -> Response:
        return order(stack_id, "stack")


def _recipes(desk: Desk, stack_id: str) -> Sequence[str]:
    """The recipes of the stack's own cookbooks, for the form to complete."""
    bundles = desk.every("DescribeCookbooks", "Bundles", StackId=stack_id)
    current = next((each for each in bundles if each["IsCurrent"]), None)
    cookbooks = current["Cookbooks"] if current else []
    return sorted(f"{book['Name']}::{recipe}" for book in cookbooks for recipe in book.get("Recipes", ()))
