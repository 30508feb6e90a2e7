"""`toque policy`: the signed manifest that says what the nodes of a stack must be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from toque.cli.output import cell
from toque.cli.verbs.group import Verbs, of_stack, output, show_list, show_one
from toque.cli.verbs.server import Server

policy = Verbs("policy", "Policies: what the nodes of a stack were told to be, revision by revision.")

_COLUMNS = {"Version": "VERSION", "IssuedAt": "ISSUED", "IsCurrent": "CURRENT", "Digest": "DIGEST"}


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


@policy.command("list")
@of_stack
@output
def list_(stack: str, output: str) -> None:
    """List the versions of a stack's policy that are kept, newest first."""
    server = Server.here()
    found = server.every("DescribePolicyRevisions", "Revisions", StackId=server.stack_id(stack))
    show_list("Revisions", found, _COLUMNS, output)


@policy.command()
@click.argument("older", type=int)
@click.argument("newer", type=int, required=False)
@of_stack
@click.option("--exit-code", is_flag=True, help="Exit code 1 when they differ.")
def diff(older: int, newer: int | None, stack: str, exit_code: bool) -> None:
    """Say what changed between two versions, value by value; to the newest where only one is given."""
    server = Server.here()
    asked: dict[str, Any] = {"StackId": server.stack_id(stack), "FromVersion": older, "ToVersion": newer}
    first = server("DescribePolicyDifferences", **asked, MaxResults=1)
    parts = server.every("DescribePolicyDifferences", "Parts", **asked)
    lines = [line for part in parts for line in _part(part)]
    lines += [line for bundle in first["Bundles"] for line in _bundle(bundle)]
    click.echo("\n".join(lines) if lines else f"{first['FromVersion']} and {first['ToVersion']} say the same")
    if lines and exit_code:
        raise SystemExit(1)


_MARKS = {"added": "+", "removed": "-", "changed": "~"}


def _part(part: dict[str, Any]) -> Iterator[str]:
    kind, title = part["Kind"], cell(part["Title"])
    yield f"{_MARKS[part['Change']]} {kind}" + (f" {title}" if title != kind else "")
    for value in part["Values"]:
        before, after = value.get("Before"), value.get("After")
        said = f"{cell(before)} -> {cell(after)}" if before and after else cell(after or f"{before} (gone)")
        yield f"    {cell(value['Path'])}: {said}"
    if part["MoreValues"]:
        yield f"    and {part['MoreValues']} more"


def _bundle(bundle: dict[str, Any]) -> Iterator[str]:
    yield f"~ cookbooks {bundle['Bundle']}"
    for each in bundle["Cookbooks"]:
        yield f"    {cell(each['Name'])}: {each.get('Before', 'none')} -> {each.get('After', 'none')}"
