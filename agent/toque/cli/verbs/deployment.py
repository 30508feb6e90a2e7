"""`toque deployment`: list, show, run and wait for deployments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import click

from toque.cli.verbs import watch
from toque.cli.verbs.common import add_list, add_show
from toque.cli.verbs.group import F, Verbs, json_value, of_stack, waits
from toque.cli.verbs.server import Server

deployment = Verbs("deployment", "Deployments: commands that went to several instances at once.")
add_list(deployment, "deployment")
add_show(deployment, "deployment")


def targets(function: F) -> F:
    """`--instance`, `--layer` and `--comment`."""
    function = click.option("--comment", help="Why; shown beside the deployment.")(function)
    function = click.option("--layer", "layers", multiple=True, help="Only instances of it; may be given again.")(
        function
    )
    return click.option("--instance", "instances", multiple=True, help="Only this one; may be given again.")(function)


@deployment.command()
@click.argument("command")
@of_stack
@click.option("--app", help="The app that it is about.")
@click.option("--recipe", "recipes", multiple=True, help="For execute_recipes: cookbook::recipe; may be given again.")
@click.option("--custom-json", metavar="JSON|file://…", help="Attributes for this run only.")
@targets
@waits
def run(
    command: str,
    stack: str,
    app: str | None,
    recipes: tuple[str, ...],
    custom_json: str | None,
    instances: tuple[str, ...],
    layers: tuple[str, ...],
    comment: str | None,
    wait: bool,
    timeout: float,
) -> None:
    """Run a command on a stack's online instances; prints the deployment's id.

    COMMAND is configure, setup, execute_recipes, update_custom_cookbooks, install_dependencies, deploy, …
    """
    server = Server.here()
    wanted: dict[str, Any] = {"Name": command} | ({"Args": {"recipes": list(recipes)}} if recipes else {})
    ordered(
        server,
        server.stack_id(stack),
        wanted,
        instances,
        layers,
        wait=wait,
        timeout=timeout,
        AppId=server.find("app", app, stack)["AppId"] if app else None,
        Comment=comment,
        CustomJson=_json_text(custom_json),
    )


@deployment.command()
@click.argument("id")
@click.option("--timeout", type=float, default=1800, show_default=True, help="Seconds to wait at most.")
def wait(id: str, timeout: float) -> None:
    """Wait for a deployment to end; exit code 255 when it fails."""
    watch.deployment(Server.here(), id, timeout=timeout)


def ordered(
    server: Server,
    stack_id: str,
    command: Mapping[str, Any],
    instances: tuple[str, ...],
    layers: tuple[str, ...],
    *,
    wait: bool,
    timeout: float,
    **members: Any,
) -> None:
    """Create a deployment, print its id, and wait for it where that was asked."""
    made = server(
        "CreateDeployment",
        StackId=stack_id,
        Command=dict(command),
        InstanceIds=server.ids("instance", instances, stack_id),
        LayerIds=server.ids("layer", layers, stack_id),
        **members,
    )["DeploymentId"]
    click.echo(made)
    if wait:
        watch.deployment(server, made, timeout=timeout)


def _json_text(given: str | None) -> str | None:
    return None if given is None else json.dumps(json_value(given, "--custom-json"))
