"""`toque explain`: where a setting of an instance comes from, level by level."""

from __future__ import annotations

from typing import Any

import click

from toque.cli.output import cell, table, written
from toque.cli.verbs.group import Verb, in_stack, output
from toque.cli.verbs.server import Server

_UNKNOWN = "unknown"
_SAID = {
    "wins": "wins",
    "overridden": "overridden",
    "begins": "begins the list",
    "appends": "appended",
    "deletes": "takes away what is weaker",
    "replaces_map": "replaces the map around it",
}


@click.command(cls=Verb)
@click.argument("node")
@click.argument("key", required=False)
@in_stack
@output
def explain(node: str, key: str | None, stack: str | None, output: str) -> None:
    """Say where settings of NODE come from: KEY (`nginx.port`, or `nginx` for all below it), or all of them.

    For one key, every level of the chain that says something of it, the weakest first, with who set it and when; for
    several, one line each with the level that wins. Of NODE's last deployment the custom JSON counted for that run
    alone.
    """
    server = Server.here()
    id = server.find("instance", node, stack)["InstanceId"]
    found = server.every("ExplainAttributes", "Attributes", InstanceId=id, Key=key)
    if output != "table":
        click.echo(written({"Attributes": found}, output))
    elif len(found) == 1 and found[0]["Key"] == key:
        click.echo(_levels(found[0]))
    else:
        rows = [
            [cell(each["Key"]), _value(each), cell(each.get("Level")), *_setter(each, bool(each.get("Level")))]
            for each in found
        ]
        click.echo(table(rows, ["KEY", "VALUE", "LEVEL", "SET BY", "AT"]))


def _levels(found: dict[str, Any]) -> str:
    rows = [
        [cell(each["Level"]), _value(each), _SAID.get(each["Effect"], cell(each["Effect"])), *_setter(each, True)]
        for each in found["Levels"]
    ]
    head = f"{cell(found['Key'])} = {_value(found)}" if "Value" in found else f"{cell(found['Key'])} is not set"
    return f"{head}\n\n{table(rows, ['LEVEL', 'VALUE', 'EFFECT', 'SET BY', 'AT'])}"


def _value(record: dict[str, Any]) -> str:
    return cell(record.get("Value"))


def _setter(record: dict[str, Any], is_set: bool) -> list[str]:
    unknown = _UNKNOWN if is_set else "-"
    return [cell(record.get("SetBy", unknown)), cell(record.get("SetAt", unknown))]
