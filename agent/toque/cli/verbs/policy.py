"""`toque policy`: the signed manifest that says what the nodes of a stack must be."""

from __future__ import annotations

import click

from toque.cli.verbs.group import Verbs, of_stack, output, show_one
from toque.cli.verbs.server import Server

policy = Verbs("policy", "Policies: what the nodes of a stack were told to be, revision by revision.")


@policy.command()
@of_stack
@click.option("--version", type=int, help="An older one; the newest where not given.")
@output
def show(stack: str, version: int | None, output: str) -> None:
    """Show a stack's policy: its version, its parts and their digests."""
    server = Server.here()
    found = server("DescribePolicy", StackId=server.stack_id(stack), Version=version)["Policy"]
    if output == "table":
        parts = {f"part {name}": digest for name, digest in found.pop("Parts").items()}
        bundles = {f"bundle {name}": digest for name, digest in found.pop("Bundles").items()}
        found |= parts | bundles
    show_one(found, output)


@policy.command()
@click.argument("older", type=int)
@click.argument("newer", type=int, required=False)
@of_stack
@click.option("--exit-code", is_flag=True, help="Exit code 1 when they differ.")
def diff(older: int, newer: int | None, stack: str, exit_code: bool) -> None:
    """Say which parts differ between two versions, the newest where only one is given."""
    server = Server.here()
    id = server.stack_id(stack)
    was = server("DescribePolicy", StackId=id, Version=older)["Policy"]
    now = server("DescribePolicy", StackId=id, Version=newer)["Policy"]
    parts = [(kind, was[kind], now[kind]) for kind in ("Parts", "Bundles")]
    lines = [line for _, before, after in parts for line in _changes(before, after)]
    click.echo("\n".join(lines) if lines else f"{was['Version']} and {now['Version']} say the same")
    if lines and exit_code:
        raise SystemExit(1)


def _changes(before: dict[str, str], after: dict[str, str]) -> list[str]:
    marks = {name: "+" if name not in before else "-" if name not in after else "~" for name in {*before, *after}}
    return [f"{mark} {name}" for name, mark in sorted(marks.items()) if before.get(name) != after.get(name)]
