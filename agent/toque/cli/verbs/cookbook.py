"""`toque cookbook` as far as the server is asked: which cookbooks a stack has. Its authors' tools join it here."""

from __future__ import annotations

import base64
import gzip
import tempfile
from pathlib import Path
from typing import Any

import click

from toque.cli.cookbook.dependencies import fetching, told
from toque.cli.verbs.group import Verbs, of_stack, output, show_list
from toque.cli.verbs.server import Server

cookbook = Verbs(
    "cookbook",
    "Cookbooks: those of a stack, and the tools to write them.",
    {name: f"toque.cli.cookbook.{name}:{name}" for name in ("new", "lint", "check", "test", "docs", "deps", "package")},
)

_COLUMNS = {"AddedAt": "ADDED", "Contents": "COOKBOOKS", "Source": "SOURCE", "Use": "USE", "Digest": "DIGEST"}


@cookbook.command("list")
@of_stack
@output
def list_(stack: str, output: str) -> None:
    """List the bundles of cookbooks that a stack has had, newest first, and how many instances run each."""
    server = Server.here()
    id = server.stack_id(stack)
    bundles = server.every("DescribeCookbooks", "Bundles", StackId=id)
    if output != "table":
        show_list("Bundles", bundles, _COLUMNS, output)
        return
    running = list(server("DescribeCookbooks", StackId=id, MaxResults=1)["Running"].values())
    rows = [
        {
            **each,
            "Contents": [f"{inner['Name']} {inner['Version']}" for inner in each["Cookbooks"]],
            "Use": _use(each, running),
        }
        for each in bundles
    ]
    show_list("Bundles", rows, _COLUMNS, output)


@cookbook.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@of_stack
@click.option("--force", is_flag=True, help="Also where values that the stack has set do not fit the new settings.")
@fetching
def publish(folder: Path, stack: str, force: bool, **options: Any) -> None:
    """Give a stack the cookbooks in FOLDER (one folder each, or one at its root), and those that they need.

    What they need is what cookbooks.lock says; one that is older than cookbooks.toml is refused. Prints the digest.
    """
    from toque.cli.cookbook.package import packed

    with tempfile.TemporaryDirectory() as temporary, told():
        archive = Path(temporary) / "cookbooks.tar.gz"
        with packed(folder, archive, **options):
            # Compressed on the way only: the server packs anew what it accepts.
            text = base64.b64encode(gzip.compress(gzip.decompress(archive.read_bytes()))).decode()
    server = Server.here()
    made = server(
        "PublishCookbooks",
        StackId=server.stack_id(stack),
        Archive=text,
        Source=str(folder.resolve()),
        Force=force or None,
    )
    click.echo(made["Digest"])


@cookbook.command()
@click.argument("digest")
@of_stack
@click.option("--force", is_flag=True, help="Also where values that the stack has set do not fit their settings.")
def use(digest: str, stack: str, force: bool) -> None:
    """Let a stack go back to cookbooks that it had; instances take them with update_custom_cookbooks."""
    server = Server.here()
    server("UseCookbooks", StackId=server.stack_id(stack), Digest=digest, Force=force or None)


@cookbook.command()
@click.argument("digest")
@of_stack
def delete(digest: str, stack: str) -> None:
    """Take cookbooks away from a stack, which nothing of it uses."""
    server = Server.here()
    server("DeleteCookbooks", StackId=server.stack_id(stack), Digest=digest)


def _use(bundle: dict[str, object], running: list[object]) -> str:
    number = sum(digest == bundle["Digest"] for digest in running)
    return f"{'current, ' if bundle['IsCurrent'] else ''}{number} instances"
