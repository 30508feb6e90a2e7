"""`toque opsworks <operation>`: every operation of the server, with the options that `aws opsworks` has.

Exit codes: 0 done; 2 the command line is wrong; 254 the server refused, or cannot be reached; 255 a wait failed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from toque.cli import declared
from toque.cli.connection import CallFailed, Connection, from_environment
from toque.cli.declared import BadArguments
from toque.cli.output import FORMS, written
from toque.cli.waiting import WAITERS, WaitFailed, wait

REFUSED = 254
WAIT_FAILED = 255


class _Operations(click.Group):
    """One command per declared operation, made when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*sorted(declared.operations()), "register", "wait"]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name == "wait":
            return _wait_command()
        if name == "register":
            from toque.cli.register import register

            return register
        about = declared.operations().get(name)
        return None if about is None else _command(name, about)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from toque.core.errors import did_you_mean

        if args and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"there is no operation {args[0]}{did_you_mean(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Operations, context_settings={"help_option_names": ["-h", "--help"]})
def opsworks() -> None:
    """Carry out any operation of the server; `toque opsworks OPERATION --help` says what it takes."""


def _command(name: str, about: dict[str, Any]) -> click.Command:
    options = "\n".join(
        f"  --{declared.kebab(member)}  {kind['type']}{'  (required)' if kind.get('required') else ''}"
        for member, kind in about["members"].items()
    )
    help = f"{about['help']}\n\n\b\nOptions of {about['name']}:\n{options or '  none'}"

    @click.command(
        name,
        help=help,
        short_help=about["help"].partition("\n")[0],
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    )
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def run(arguments: tuple[str, ...]) -> None:
        form, rest = _output_of(arguments)
        if "--generate-cli-skeleton" in rest:
            click.echo(json.dumps(declared.skeleton(about), indent=4))
            return
        answer = _call(_connection(), about, rest)
        if answer:
            click.echo(written(answer, form))

    return run


def _wait_command() -> click.Command:
    @click.command("wait", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
    @click.argument("waiter", type=click.Choice(sorted(WAITERS)))
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def run(waiter: str, arguments: tuple[str, ...]) -> None:
        """Wait until it has happened; the options are those of the operation that is asked."""
        chosen, connection = WAITERS[waiter], _connection()
        about = declared.operations()[chosen.operation]
        request = _request(about, arguments)
        try:
            wait(chosen, lambda: connection.call(about["name"], about["target"], request))
        except CallFailed as error:
            _refused(about["name"], error, WAIT_FAILED)
        except WaitFailed as error:
            click.echo(f"toque: {waiter}: {error}", err=True)
            raise SystemExit(WAIT_FAILED) from None

    return run


def _output_of(arguments: Sequence[str]) -> tuple[str, list[str]]:
    """The form of the answer, and the other arguments."""
    rest = list(arguments)
    if "--output" not in rest:
        return "json", rest
    at = rest.index("--output")
    form = rest[at + 1] if at + 1 < len(rest) else ""
    if form not in FORMS:
        raise click.UsageError(f"--output is one of {', '.join(FORMS)}")
    return form, rest[:at] + rest[at + 2 :]


def _connection() -> Connection:
    try:
        return from_environment()
    except CallFailed as error:
        raise click.UsageError(str(error)) from error


def _request(about: dict[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    try:
        return declared.request(about, arguments)
    except BadArguments as error:
        raise click.UsageError(str(error)) from error


def _call(connection: Connection, about: dict[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    request = _request(about, arguments)
    try:
        return connection.call(about["name"], about["target"], request)
    except CallFailed as error:
        _refused(about["name"], error, REFUSED)


def _refused(operation: str, error: CallFailed, status: int) -> NoReturn:
    click.echo(f"toque: {operation} was refused ({error.code}): {error}", err=True)
    raise SystemExit(status)
