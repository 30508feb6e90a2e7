"""`list` and `show`, which every noun of a stack has."""

from __future__ import annotations

import click

from toque.cli.verbs.group import Verbs, in_stack, of_stack, output, show_list, show_one
from toque.cli.verbs.nouns import NOUNS
from toque.cli.verbs.server import Server


def add_list(group: Verbs, noun: str) -> None:
    """`list`, of one stack."""
    about = NOUNS[noun]

    @group.command("list", help=f"List the {noun}s of a stack.")
    @of_stack
    @output
    def run(stack: str, output: str) -> None:
        server = Server.here()
        found = server(about.operation, StackId=server.stack_id(stack))[about.records]
        show_list(about.records, found, about.columns, output)


def add_show(group: Verbs, noun: str) -> None:
    """`show`, by id or name."""
    about = NOUNS[noun]

    @group.command("show", help=f"Show one {noun}, by its id{' or name' if about.id != about.name else ''}.")
    @click.argument("which")
    @in_stack
    @output
    def run(which: str, stack: str | None, output: str) -> None:
        show_one(Server.here().find(noun, which, stack), output)
