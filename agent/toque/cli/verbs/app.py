"""`toque app`: list, show, create, deploy, roll back and delete apps."""

from __future__ import annotations

from collections.abc import Mapping

import click

from toque.cli.verbs.common import add_list, add_show
from toque.cli.verbs.deployment import ordered, targets
from toque.cli.verbs.group import Verbs, in_stack, of_stack, waits
from toque.cli.verbs.server import Server

app = Verbs("app", "Apps: what is deployed on instances.")
add_list(app, "app")
add_show(app, "app")


@app.command()
@click.argument("name")
@of_stack
@click.option("--type", "kind", default="other", show_default=True, help="other, static, php, rails, nodejs, java, …")
@click.option("--url", help="Where its source is.")
@click.option("--source", default="git", show_default=True, help="What is there: git, archive or s3.")
@click.option("--revision", help="Branch, tag or commit.")
def create(name: str, stack: str, kind: str, url: str | None, source: str, revision: str | None) -> None:
    """Add an app to a stack; prints its id. Every other setting: `toque opsworks create-app help`."""
    server = Server.here()
    where = {"Type": source, "Url": url} | ({"Revision": revision} if revision else {})
    made = server("CreateApp", StackId=server.stack_id(stack), Name=name, Type=kind, AppSource=where if url else None)
    click.echo(made["AppId"])


@app.command()
@click.argument("which")
@in_stack
@click.option("--migrate", is_flag=True, help="Migrate the database, too (Rails).")
@targets
@waits
def deploy(
    which: str,
    stack: str | None,
    migrate: bool,
    instances: tuple[str, ...],
    layers: tuple[str, ...],
    comment: str | None,
    wait: bool,
    timeout: float,
) -> None:
    """Deploy an app on the online instances that serve it; prints the deployment's id."""
    command = {"Name": "deploy"} | ({"Args": {"migrate": ["true"]}} if migrate else {})
    _on_app(which, stack, command, instances, layers, comment, wait=wait, timeout=timeout)


@app.command("run")
@click.argument("which")
@click.argument("what", type=click.Choice(["undeploy", "rollback", "start", "stop", "restart"]))
@in_stack
@targets
@waits
def run_(
    which: str,
    what: str,
    stack: str | None,
    instances: tuple[str, ...],
    layers: tuple[str, ...],
    comment: str | None,
    wait: bool,
    timeout: float,
) -> None:
    """Undeploy, roll back, start, stop or restart an app; prints the deployment's id."""
    _on_app(which, stack, {"Name": what}, instances, layers, comment, wait=wait, timeout=timeout)


@app.command()
@click.argument("which")
@in_stack
def delete(which: str, stack: str | None) -> None:
    """Delete an app; it is undeployed from online instances."""
    server = Server.here()
    server("DeleteApp", AppId=server.find("app", which, stack)["AppId"])


def _on_app(
    which: str,
    stack: str | None,
    command: Mapping[str, object],
    instances: tuple[str, ...],
    layers: tuple[str, ...],
    comment: str | None,
    *,
    wait: bool,
    timeout: float,
) -> None:
    server = Server.here()
    found = server.find("app", which, stack)
    ordered(
        server,
        found["StackId"],
        command,
        instances,
        layers,
        wait=wait,
        timeout=timeout,
        AppId=found["AppId"],
        Comment=comment,
    )
