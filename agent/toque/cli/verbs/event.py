"""`toque event`: what happened, and what happens."""

from __future__ import annotations

import time
from typing import Any

import click

from toque.cli.output import cell
from toque.cli.verbs.group import Verbs, in_stack, output, show_list
from toque.cli.verbs.server import Server
from toque.cli.verbs.watch import EVERY

event = Verbs("event", "Events: what happened in stacks and to instances.")

_COLUMNS = {"Number": "NUMBER", "At": "AT", "Kind": "KIND", "Message": "WHAT"}
_OLDEST = 1000


def _filters(function: click.decorators.FC) -> click.decorators.FC:
    function = click.option(
        "--kind", "kinds", multiple=True, help="instance.status, or heal for all of heal.…; again."
    )(function)
    return click.option("--instance", help="Only of this instance, by its id or name.")(function)


@event.command("list")
@in_stack
@_filters
@click.option("--since", help="From then on: 2026-11-22T08:00:00Z.")
@click.option("--until", help="Before then.")
@click.option("--max", "most", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@output
def list_(
    stack: str | None,
    instance: str | None,
    kinds: tuple[str, ...],
    since: str | None,
    until: str | None,
    most: int,
    output: str,
) -> None:
    """List what happened, newest first."""
    server = Server.here()
    asked = _asked(server, stack, instance, kinds)
    size = min(most, _OLDEST)
    found = server.every("DescribeEvents", "Events", most=most, Since=since, Until=until, MaxResults=size, **asked)
    show_list("Events", found, _COLUMNS, output)


@event.command()
@in_stack
@_filters
def follow(stack: str | None, instance: str | None, kinds: tuple[str, ...]) -> None:
    """Print what happens from now on, until you stop it."""
    server = Server.here()
    asked = _asked(server, stack, instance, kinds)
    last = server("DescribeEvents", MaxResults=1, **asked)["LastNumber"]
    while True:
        said = server("DescribeEvents", After=last, **asked)
        last = said["LastNumber"]
        for each in said["Events"]:
            click.echo(f"{each['At']}  {cell(each['Kind'])}  {cell(each['Message'])}")
        if not said["Events"]:
            time.sleep(EVERY)


def _asked(server: Server, stack: str | None, instance: str | None, kinds: tuple[str, ...]) -> dict[str, Any]:
    asked: dict[str, Any] = {"Kinds": list(kinds) or None}
    if instance is not None:
        return asked | {"InstanceId": server.find("instance", instance, stack)["InstanceId"]}
    return asked if stack is None else asked | {"StackId": server.stack_id(stack)}
