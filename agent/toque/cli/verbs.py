"""The daily verbs: `toque stack list`, `toque instance show web-1`, … over the same operations as `toque opsworks`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import click

from toque.cli import declared
from toque.cli.connection import CallFailed, Connection, from_environment
from toque.cli.opsworks import exit_code_of
from toque.cli.output import FORMS, table, written


@dataclass(frozen=True)
class Noun:
    """What is listed: the operation, the members of its answer and of a record, and the columns of the table."""

    operation: str
    records: str
    id: str
    name: str
    columns: Mapping[str, str]
    one: str
    in_stack: bool = True


NOUNS: Final[Mapping[str, Noun]] = {
    "stack": Noun(
        "describe-stacks",
        "Stacks",
        "StackId",
        "Name",
        {"Name": "NAME", "Region": "REGION", "DefaultOs": "OS", "StackId": "ID"},
        "StackIds",
        in_stack=False,
    ),
    "layer": Noun(
        "describe-layers",
        "Layers",
        "LayerId",
        "Shortname",
        {"Shortname": "NAME", "Type": "TYPE", "Name": "TITLE", "EnableAutoHealing": "HEALS", "LayerId": "ID"},
        "LayerIds",
    ),
    "instance": Noun(
        "describe-instances",
        "Instances",
        "InstanceId",
        "Hostname",
        {"Hostname": "NAME", "Status": "STATUS", "PrivateIp": "ADDRESS", "Os": "OS", "InstanceId": "ID"},
        "InstanceIds",
    ),
    "app": Noun(
        "describe-apps",
        "Apps",
        "AppId",
        "Shortname",
        {"Shortname": "NAME", "Type": "TYPE", "Name": "TITLE", "AppId": "ID"},
        "AppIds",
    ),
    "deployment": Noun(
        "describe-deployments",
        "Deployments",
        "DeploymentId",
        "DeploymentId",
        {"CreatedAt": "CREATED", "Command.Name": "COMMAND", "Status": "STATUS", "DeploymentId": "ID"},
        "DeploymentIds",
    ),
    "command": Noun(
        "describe-commands",
        "Commands",
        "CommandId",
        "CommandId",
        {"CreatedAt": "CREATED", "Type": "TYPE", "Status": "STATUS", "ExitCode": "EXIT", "CommandId": "ID"},
        "CommandIds",
    ),
    "database": Noun(
        "describe-databases",
        "Databases",
        "RdsDbInstanceArn",
        "DbInstanceIdentifier",
        {
            "DbInstanceIdentifier": "NAME",
            "Engine": "ENGINE",
            "Address": "ADDRESS",
            "Port": "PORT",
            "RdsDbInstanceArn": "ARN",
        },
        "RdsDbInstanceArns",
        in_stack=False,
    ),
}

_output = click.option(
    "--output", type=click.Choice(FORMS), default="table", show_default=True, help="How to print the answer."
)


def group(noun: str) -> click.Group:
    """The commands of one noun: `list` and `show`."""
    about = NOUNS[noun]
    made = click.Group(noun, help=f"List and show {noun}s.", context_settings={"help_option_names": ["-h", "--help"]})
    made.add_command(_list(noun, about))
    made.add_command(_show(noun, about))
    return made


def _list(noun: str, about: Noun) -> click.Command:
    within = _scope(noun, about)

    @click.command("list", help=f"List {noun}s.")
    @within
    @_output
    def run(output: str, scope: str | None = None) -> None:
        found = carry(lambda: _records(from_environment(), noun, about, scope))
        if output == "table":
            rows = [[_cell(each, column) for column in about.columns] for each in found]
            click.echo(table(rows, list(about.columns.values())))
        else:
            click.echo(written({about.records: found}, output))

    return run


def _show(noun: str, about: Noun) -> click.Command:
    @click.command("show", help=f"Show one {noun}, by its id" + (" or name." if about.id != about.name else "."))
    @click.argument("which")
    @_scope(noun, about, required=False)
    @_output
    def run(which: str, output: str, scope: str | None = None) -> None:
        record = carry(lambda: _one(from_environment(), noun, about, which, scope))
        if output == "table":
            rows = [[name, str(value)] for name, value in record.items()]
            click.echo(table(rows, ["MEMBER", "VALUE"]))
        else:
            click.echo(written(record, output))

    return run


def _scope(noun: str, about: Noun, *, required: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`--stack` for what lives in a stack, `--instance` for commands, nothing for stacks."""
    if not about.in_stack:
        return lambda function: function
    of = "instance" if noun == "command" else "stack"
    return click.option(f"--{of}", "scope", required=required, help=f"The {of}, by its id or name.")


def _records(connection: Connection, noun: str, about: Noun, scope: str | None) -> list[dict[str, Any]]:
    members: dict[str, Any] = {}
    if scope is not None:
        of = "instance" if noun == "command" else "stack"
        members = {"InstanceId" if of == "instance" else "StackId": _id_of(connection, of, scope)}
    return _ask(connection, about, members)


def _one(connection: Connection, noun: str, about: Noun, which: str, scope: str | None) -> dict[str, Any]:
    if about.in_stack and scope is None:
        return _ask(connection, about, {about.one: [which]})[0]
    found = [each for each in _records(connection, noun, about, scope) if which in (each[about.id], each[about.name])]
    if len(found) != 1:
        raise CallFailed("NotFound", f"there are {len(found)} {noun}s called {which}; please give the id")
    return found[0]


def _id_of(connection: Connection, noun: str, which: str) -> str:
    """An id as it is, or the id of the only one of that name; instances are named by their id only."""
    if noun == "instance":
        return which
    about = NOUNS[noun]
    found = [each[about.id] for each in _ask(connection, about, {}) if which in (each[about.id], each[about.name])]
    if len(found) != 1:
        raise CallFailed("NotFound", f"there are {len(found)} {noun}s called {which}; please give the id")
    return str(found[0])


def _ask(connection: Connection, about: Noun, members: dict[str, Any]) -> list[dict[str, Any]]:
    operation = declared.operations()[about.operation]
    answer = connection.call(operation["name"], operation["target"], members)
    records: list[dict[str, Any]] = answer[about.records]
    while "NextToken" in answer:
        answer = connection.call(operation["name"], operation["target"], members | {"NextToken": answer["NextToken"]})
        records += answer[about.records]
    return records


def _cell(record: Mapping[str, Any], column: str) -> str:
    value: Any = record
    for part in column.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    text = "-" if value is None else str(value)
    return "".join(character if character.isprintable() else " " for character in text)


def carry(ask: Callable[[], Any]) -> Any:
    """The answer; a refusal is told on the error stream, and ends the program."""
    try:
        return ask()
    except CallFailed as error:
        click.echo(f"toque: {error.code}: {error}", err=True)
        raise SystemExit(exit_code_of(error)) from None


stack, layer, instance = group("stack"), group("layer"), group("instance")
app, deployment, command = group("app"), group("deployment"), group("command")
