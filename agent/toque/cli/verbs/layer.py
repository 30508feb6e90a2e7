"""`toque layer`: list, show, create and delete layers."""

from __future__ import annotations

import click

from toque.cli.verbs.common import add_list, add_show
from toque.cli.verbs.group import Verbs, in_stack, of_stack
from toque.cli.verbs.server import Server

layer = Verbs("layer", "Layers: the kinds of machine that a stack is made of.")
add_list(layer, "layer")
add_show(layer, "layer")

_EVENTS = ("setup", "configure", "deploy", "undeploy", "shutdown")


@layer.command()
@click.argument("shortname")
@of_stack
@click.option("--type", "kind", default="custom", show_default=True, help="custom, lb, web, python-app, …")
@click.option("--name", help="The title; the short name where not given.")
@click.option("--heal/--no-heal", default=None, help="Whether instances that are lost are replaced.")
@click.option(
    "--recipe", "recipes", multiple=True, metavar="EVENT=NAME", help="Such as setup=web::default; may be given again."
)
def create(
    shortname: str, stack: str, kind: str, name: str | None, heal: bool | None, recipes: tuple[str, ...]
) -> None:
    """Add a layer to a stack; prints its id."""
    server = Server.here()
    made = server(
        "CreateLayer",
        StackId=server.stack_id(stack),
        Type=kind,
        Name=name or shortname,
        Shortname=shortname,
        EnableAutoHealing=heal,
        CustomRecipes=_by_event(recipes) or None,
    )
    click.echo(made["LayerId"])


@layer.command()
@click.argument("which")
@in_stack
def delete(which: str, stack: str | None) -> None:
    """Delete a layer that no instance is in."""
    server = Server.here()
    server("DeleteLayer", LayerId=server.find("layer", which, stack)["LayerId"])


def _by_event(recipes: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in recipes:
        event, equals, name = each.partition("=")
        if not equals or event.lower() not in _EVENTS:
            raise click.UsageError(f"--recipe {each} must be EVENT=NAME, with an event of {', '.join(_EVENTS)}")
        found.setdefault(event.title(), []).append(name)
    return found
