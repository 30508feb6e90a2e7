"""`toque command`: what instances were told to do, and the logs of it."""

from __future__ import annotations

import time
from typing import Any

import click

from toque.cli.verbs.group import Verbs, in_stack, output, show_list, show_one
from toque.cli.verbs.nouns import NOUNS
from toque.cli.verbs.server import Server
from toque.cli.verbs.watch import EVERY
from toque.client.waiting import WaitFailed

_LONGEST = 1 << 20
_COUNTED = ("State", "Reason", "Changed", "Intended", "DriftCorrected", "Flapping")

command = Verbs("command", "Commands: what one instance was told to do, and how it went.")


@command.command()
@click.argument("which")
@in_stack
@output
def show(which: str, stack: str | None, output: str) -> None:
    """Show one command, by its id: also what it changed, how much of that was drift, and what changes in every run."""
    server = Server.here()
    found = server.find("command", which, stack)
    details = server("DescribeCommandDetails", CommandIds=[found["CommandId"]])["Commands"]
    show_one(found | {name: each[name] for each in details for name in _COUNTED if name in each}, output)


@command.command("list")
@click.option("--instance", help="Of this instance, by its id or name.")
@click.option("--deployment", help="Of this deployment, by its id.")
@in_stack
@output
def list_(instance: str | None, deployment: str | None, stack: str | None, output: str) -> None:
    """List the commands of an instance or of a deployment, newest first."""
    if (instance is None) == (deployment is None):
        raise click.UsageError("give either --instance or --deployment")
    server, about = Server.here(), NOUNS["command"]
    of = server.find("instance", instance, stack)["InstanceId"] if instance else None
    found = server(about.operation, InstanceId=of, DeploymentId=deployment)[about.records]
    show_list(about.records, found, about.columns, output)


@command.command()
@click.argument("id")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended; exit code 255 when it failed.")
@click.option("--tail", type=click.IntRange(1, _LONGEST), metavar="BYTES", help="Begin with so many of its last bytes.")
def log(id: str, follow: bool, tail: int | None) -> None:
    """Print a command's log, also while it runs."""
    piece = show_log(Server.here(), id, follow=follow, tail=tail)
    if follow and piece["Status"] not in ("successful", "skipped"):
        raise WaitFailed(f"the command is {piece['Status']}" + (f": {piece['Reason']}" if piece["Reason"] else ""))


def show_log(server: Server, id: str, *, follow: bool, tail: int | None = None) -> dict[str, Any]:
    """Print a log as far as it is there, or until its run has ended; answers the last piece of it."""
    offset = 0
    asked = {"Offset": 0} if tail is None else {"Tail": tail}
    while True:
        piece = server("GetCommandLog", CommandId=id, **asked)
        click.echo(_printable(piece["Text"]), nl=False)
        if not piece["Kept"]:
            click.echo("toque: this log is not kept any more: an instance's newest 30 are", err=True)
        more = piece["NextOffset"] > offset
        offset = piece["NextOffset"]
        asked = {"Offset": offset}
        if piece["Complete"] or not (follow or more):
            return piece
        if not more:
            time.sleep(EVERY)


def _printable(text: str) -> str:
    # Lines, tabs and colours stay; what else a terminal would obey does not (S15).
    return "".join(each if each in "\n\t" or each.isprintable() else "�" for each in text.replace("\r\n", "\n"))
