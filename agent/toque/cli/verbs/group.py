"""What the groups of verbs have in common: errors, suggestions, options, and how answers are printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

import click

from toque.cli.files import UnreadableFile, text_of
from toque.cli.opsworks import FAILED, exit_code_of
from toque.cli.output import FORMS, cell, table, written
from toque.cli.verbs.server import NotOne
from toque.client.errors import CallFailed, Refused
from toque.client.waiting import WaitFailed

F = TypeVar("F", bound=Callable[..., Any])

output = click.option(
    "--output", type=click.Choice(FORMS), default="table", show_default=True, help="How to print the answer."
)
in_stack = click.option("--stack", envvar="TOQUE_STACK", help="The stack, by its id or name (or set TOQUE_STACK).")
of_stack = click.option(
    "--stack", envvar="TOQUE_STACK", required=True, help="The stack, by its id or name (or set TOQUE_STACK)."
)


def waits(function: F) -> F:
    """`--wait` and `--timeout`."""
    function = click.option("--wait", is_flag=True, help="Return when it is done; tell how far it is meanwhile.")(
        function
    )
    return click.option("--timeout", type=float, default=1800, show_default=True, help="Seconds to wait at most.")(
        function
    )


class Verbs(click.Group):
    """The verbs of one noun. What a call fails with is told on the other stream, with its exit code.

    `elsewhere` are verbs of other modules, by name: `module:attribute`; there as soon as the module is.
    """

    def __init__(self, name: str, help: str, elsewhere: Mapping[str, str] = {}) -> None:
        super().__init__(name, help=help, context_settings={"help_option_names": ["-h", "--help"]})
        self._elsewhere = elsewhere

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*self.commands, *(name for name, place in self._elsewhere.items() if _exists(place))])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        place = self._elsewhere.get(name)
        if place is None or not _exists(place):
            return super().get_command(ctx, name)
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from toque.core.errors import did_you_mean

        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"{self.name} has no {args[0]}{did_you_mean(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        with failures_told():
            return super().invoke(ctx)


class Verb(click.Command):
    """A verb without a noun, whose failures are told in the same way."""

    def invoke(self, ctx: click.Context) -> Any:
        with failures_told():
            return super().invoke(ctx)


@contextmanager
def failures_told() -> Iterator[None]:
    """What a call fails with is told on the other stream, and becomes the exit code."""
    try:
        yield
    except CallFailed as error:
        by_server = isinstance(error, Refused) and not isinstance(error, NotOne)
        click.echo(f"toque: refused ({error.code}): {error}" if by_server else f"toque: {error}", err=True)
        raise SystemExit(exit_code_of(error)) from None
    except WaitFailed as error:
        click.echo(f"toque: {error}", err=True)
        raise SystemExit(FAILED) from None


def _exists(place: str) -> bool:
    return find_spec(place.partition(":")[0]) is not None


def show_list(name: str, records: Sequence[Mapping[str, Any]], columns: Mapping[str, str], form: str) -> None:
    """Records as a table of `columns` (member, or `Outer.Inner`, → heading), or whole under their `name`."""
    if form == "table":
        click.echo(table([[_cell(each, column) for column in columns] for each in records], list(columns.values())))
    else:
        click.echo(written({name: list(records)}, form))


def show_one(record: Mapping[str, Any], form: str) -> None:
    """Every member of a record."""
    if form == "table":
        click.echo(table([[name, cell(value)] for name, value in record.items()], ["MEMBER", "VALUE"]))
    else:
        click.echo(written(dict(record), form))


def json_value(text: str, what: str) -> Any:
    """JSON from the command line, or from `file://…`; what is neither is a wrong command line."""
    try:
        return json.loads(text_of(text))
    except UnreadableFile as error:
        raise click.UsageError(str(error)) from None
    except ValueError as error:
        raise click.UsageError(f"{what} is not JSON: {error}") from None


def _cell(record: Mapping[str, Any], column: str) -> str:
    value: Any = record
    for part in column.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return cell(value)
