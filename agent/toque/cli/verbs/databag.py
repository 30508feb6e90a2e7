"""`toque databag`: what recipes read with `data_bag_item`."""

from __future__ import annotations

import click

from toque.cli.output import written
from toque.cli.verbs.group import Verbs, json_value, of_stack, output, show_list
from toque.cli.verbs.server import Server

databag = Verbs("databag", "Data bags: what recipes read with data_bag_item().")

_COLUMNS = {
    "Bag": "BAG",
    "Item": "ITEM",
    "Level": "LEVEL",
    "Version": "VERSION",
    "UpdatedAt": "CHANGED",
    "UpdatedBy": "BY",
}


def _owner(function: click.decorators.FC) -> click.decorators.FC:
    function = click.option("--instance", "owner_instance", help="The item at this instance's level.")(function)
    function = click.option("--app", "owner_app", help="The item at this app's level.")(function)
    return click.option("--layer", "owner_layer", help="The item at this layer's level.")(function)


@databag.command("list")
@of_stack
@click.option("--bag", help="Only this one.")
@output
def list_(stack: str, bag: str | None, output: str) -> None:
    """List the items of a stack's data bags."""
    server = Server.here()
    found = server.every("DescribeDataBags", "Items", StackId=server.stack_id(stack), Bag=bag)
    show_list("Items", found, _COLUMNS, output)


@databag.command()
@click.argument("bag")
@click.argument("item")
@of_stack
@_owner
@click.option("--output", type=click.Choice(["json", "yaml"]), default="json", show_default=True)
def show(bag: str, item: str, stack: str, output: str, **owners: str | None) -> None:
    """Print the value of an item."""
    server = Server.here()
    found = server("GetDataBagItem", **_place(server, stack, bag, item, owners))
    click.echo(written(found["Value"], output))


@databag.command("set")
@click.argument("bag")
@click.argument("item")
@click.argument("value", metavar="JSON|file://…")
@of_stack
@_owner
@click.option("--version", type=int, help="Only if the item still has this version; 0: only if it is new.")
def set_(bag: str, item: str, value: str, stack: str, version: int | None, **owners: str | None) -> None:
    """Write an item whole; nodes see it with their next run."""
    found = json_value(value, "VALUE")
    if not isinstance(found, dict):
        raise click.UsageError("VALUE must be a JSON object")
    server = Server.here()
    server("PutDataBagItem", **_place(server, stack, bag, item, owners), Value=found, Version=version)


@databag.command()
@click.argument("bag")
@click.argument("item", required=False)
@of_stack
@_owner
@click.option("--version", type=int, help="Only if the item still has this version.")
@click.option("--all", "all_", is_flag=True, help="In place of ITEM: every item of the bag.")
def delete(bag: str, item: str | None, stack: str, version: int | None, all_: bool, **owners: str | None) -> None:
    """Delete an item, or with --all a whole bag."""
    if (item is None) != all_:
        raise click.UsageError("give either ITEM or --all")
    server = Server.here()
    if item is None:
        place = _place(server, stack, bag, "", owners)
        del place["Item"]
        server("DeleteDataBag", **place)
    else:
        server("DeleteDataBagItem", **_place(server, stack, bag, item, owners), Version=version)


def _place(server: Server, stack: str, bag: str, item: str, owners: dict[str, str | None]) -> dict[str, str]:
    """Where an item is: in the stack, or at the level of one layer, app or instance."""
    place = {"StackId": server.stack_id(stack), "Bag": bag, "Item": item}
    named = [(option.removeprefix("owner_"), which) for option, which in owners.items() if which]
    if len(named) > 1:
        raise click.UsageError("give only one of --layer, --app and --instance")
    for level, which in named:
        place |= {"Level": level, "OwnerId": server.find(level, which, stack)[f"{level.title()}Id"]}
    return place
