"""`toque opsworks <operation>`: every operation of the server, with the options that `aws opsworks` has.

Exit codes, as AWS CLI v2 has them: 0 done; 252 the command line is wrong; 253 no identity, or an unreadable profile;
254 the server refused; 255 a wait failed, the server cannot be reached, or it failed itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

import click

from toque.cli import aws_options, declared, opsworks_help, paging
from toque.cli.aws_options import AwsOptions, BadOption
from toque.cli.connection import CallFailed, Connection, from_environment
from toque.cli.declared import BadArguments
from toque.cli.output import written
from toque.client.errors import BadProfile, NoCredentials, Refused
from toque.client.waiting import WAITERS, WaitFailed, wait

USAGE = 252
NO_IDENTITY = 253
REFUSED = 254
FAILED = 255

COMMANDS = {
    "install-aws-model": "toque.cli.install_aws_model:install_aws_model",
    "register": "toque.cli.register:register",
}
"""Commands beside the operations: name → `module:attribute`, there as soon as its module is."""

_SETTINGS = {"ignore_unknown_options": True, "allow_interspersed_args": False, "help_option_names": ["-h", "--help"]}


class WrongUse(click.ClickException):
    """A command line that cannot be carried out."""

    exit_code = USAGE

    def show(self, file: Any = None) -> None:
        click.echo(f"toque: {self.message}", err=True)


class _Operations(click.Group):
    """One command per declared operation, made when it is called."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, aws_options.behind(args))

    def list_commands(self, ctx: click.Context) -> list[str]:
        others = [name for name, place in COMMANDS.items() if find_spec(place.partition(":")[0])]
        return sorted([*declared.operations(), "wait", *others])

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name == "wait":
            return _waits
        if name in COMMANDS and find_spec(COMMANDS[name].partition(":")[0]):
            module, _, attribute = COMMANDS[name].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        if name == "help":
            return _help(self)
        about = declared.operations().get(name)
        return None if about is None else _command(name, about)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            raise WrongUse(_mistyped("operation", args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


@click.group(cls=_Operations, context_settings={"help_option_names": ["-h", "--help"]})
def opsworks() -> None:
    """Carry out any operation of the server; `toque opsworks OPERATION help` says what it takes."""


def _mistyped(what: str, name: str, known: Sequence[str]) -> str:
    from toque.core.errors import did_you_mean

    return f"there is no {what} {name}{did_you_mean(name, known)}; `toque opsworks help` lists all"


class _Options(click.Command):
    """A command whose options come from a declaration; click only completes them."""

    def __init__(self, name: str, about: dict[str, Any], run: Callable[[list[str]], None], text: str) -> None:
        self.about = about
        words = click.Argument(
            ["arguments"], nargs=-1, type=click.UNPROCESSED, shell_complete=self._words, metavar="[--OPTION WORD …]"
        )
        super().__init__(
            name,
            params=[words],
            callback=lambda arguments: run(list(arguments)),
            help=text,
            short_help=about["help"].partition("\n")[0],
            context_settings=_SETTINGS,
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # `--region x help` and `help` alike.
        return super().parse_args(ctx, ["--help"] if args[:1] == ["help"] else args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [
            CompletionItem(f"--{option}", help=text)
            for option, text in opsworks_help.options(self.about).items()
            if f"--{option}".startswith(incomplete)
        ]

    def _words(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        before = [each for each in ctx.params.get("arguments") or () if each.startswith("--")]
        choices = opsworks_help.choices(self.about, before[-1][2:]) if before else ()
        return [each for each in choices if each.startswith(incomplete)]


def _command(name: str, about: dict[str, Any]) -> click.Command:
    def run(words: list[str]) -> None:
        with _usage():
            chosen, options = aws_options.taken(declared.options(words))
            kind, options = _skeleton_of(options)
            pages, options = _paging_of(about, chosen, options)
            request = declared.request(about, options, others=[*aws_options.every(), "generate-cli-skeleton"])
            if kind == "input":
                click.echo(json.dumps(declared.skeleton(about["members"]), indent=4))
                return
            if kind == "yaml-input":
                click.echo(declared.yaml_skeleton(about["members"]))
                return
            declared.required(about, request)
        if kind == "output":
            _print(declared.skeleton(about["answer"] or {}, named=True), chosen)
            return
        answer = _call(connection_of(chosen), about, request, pages)
        if answer:
            _print(answer, chosen)

    return _Options(name, about, run, opsworks_help.text(about))


class _Waits(click.Group):
    """One command per waiter; its options are those of the operation that is asked."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, aws_options.behind(args))

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [declared.kebab(name) for name in sorted(WAITERS)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return next((_wait_command(each) for each in WAITERS if declared.kebab(each) == name), None)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[:1] == ["help"]:
            click.echo(ctx.get_help())
            ctx.exit()
        if args and self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            raise WrongUse(_mistyped("waiter", args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


_waits = _Waits(
    "wait",
    help="Wait until it has happened. Exit code 255 when it cannot happen any more, or has not in time.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _wait_command(name: str) -> click.Command:
    waiter = WAITERS[name]
    asked = declared.operations()[declared.kebab(waiter.operation)]
    about = dict(asked) | {"members": asked["members"], "help": opsworks_help.of_waiter(name, waiter), "waiter": name}

    def run(words: list[str]) -> None:
        with _usage():
            chosen, options = aws_options.taken(declared.options(words))
            kind, options = _skeleton_of(options)
            delay, options = _number("delay", options)
            attempts, options = _number("max-attempts", options)
            request = declared.request(about, options, others=[*aws_options.every(), "delay", "max-attempts"])
            if kind is not None:
                click.echo(json.dumps(declared.skeleton(about["members"]), indent=4))
                return
        connection = connection_of(chosen)
        try:
            wait(
                waiter,
                lambda: connection.call(asked["name"], asked["target"], request, reads=True),
                delay=delay,
                attempts=attempts,
            )
        except CallFailed as error:
            failed(f"Waiter {name}", error, FAILED)
        except WaitFailed as error:
            click.echo(f"toque: Waiter {name} failed: {error}", err=True)
            raise SystemExit(FAILED) from None

    return _Options(declared.kebab(name), about, run, opsworks_help.text(about))


def _help(group: click.Group) -> click.Command:
    @click.command("help", hidden=True)
    @click.argument("words", nargs=-1)
    @click.pass_context
    def show(ctx: click.Context, words: tuple[str, ...]) -> None:
        assert ctx.parent is not None
        if not words:
            click.echo(group.get_help(ctx.parent))
            return
        group.main([words[0], *words[1:], "--help"], prog_name="toque opsworks")

    return show


class _usage:
    """What is wrong with a command line is said, and ends with 252."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, _traceback: Any) -> None:
        if isinstance(error, BadArguments | BadOption):
            raise WrongUse(str(error)) from error


Options = list[tuple[str, list[str]]]


def _skeleton_of(options: Options) -> tuple[str | None, Options]:
    kinds = [words for option, words in options if option == "generate-cli-skeleton"]
    if not kinds:
        return None, options
    kind = kinds[-1][0] if kinds[-1] else "input"
    if kind not in opsworks_help.SKELETONS or len(kinds[-1]) > 1:
        raise BadArguments(f"--generate-cli-skeleton is one of {', '.join(opsworks_help.SKELETONS)}")
    return kind, [each for each in options if each[0] != "generate-cli-skeleton"]


def _number(name: str, options: Options) -> tuple[int | None, Options]:
    found = [declared.integer(name, words) for option, words in options if option == name]
    return (found[-1] if found else None), [each for each in options if each[0] != name]


def _paging_of(about: dict[str, Any], chosen: AwsOptions, options: Options) -> tuple[paging.Paging | None, Options]:
    records = paging.records_of(about)
    if records is None:
        return None, options
    given = dict(options)
    wanted = [name for name in paging.OPTIONS if name in given]
    rest = [each for each in options if each[0] not in paging.OPTIONS]
    # Whoever gives the raw members turns the pages himself, as with `aws`.
    if chosen.no_paginate or {"next-token", "max-results"} & set(given):
        if wanted:
            raise BadArguments(f"--no-paginate and --{wanted[0]} exclude each other")
        return None, rest
    size, _ = _number("page-size", options)
    most, _ = _number("max-items", options)
    token = declared.only("starting-token", given["starting-token"]) if "starting-token" in given else None
    return paging.Paging(records, starting_token=token, page_size=size, max_items=most), rest


def connection_of(chosen: AwsOptions) -> Connection:
    """The server that these options, the environment and the profile files say."""
    try:
        found = from_environment(profile=chosen.profile)
    except BadProfile as error:
        click.echo(f"toque: {error}", err=True)
        raise SystemExit(NO_IDENTITY) from None
    return replace(
        found,
        server_url=chosen.endpoint_url or found.server_url,
        region=chosen.region or found.region,
        ca_file=chosen.ca_bundle or found.ca_file,
        verify=not chosen.no_verify_ssl,
        anonymous=chosen.no_sign_request,
        connect_timeout=chosen.cli_connect_timeout,
        read_timeout=chosen.cli_read_timeout,
        say=(lambda text: click.echo(f"toque: {text}", err=True)) if chosen.debug else None,
    )


def _call(
    connection: Connection, about: dict[str, Any], request: dict[str, Any], pages: paging.Paging | None
) -> dict[str, Any]:
    def ask(members: Any) -> dict[str, Any]:
        return connection.call(about["name"], about["target"], members, reads=not about["changes"])

    try:
        return ask(request) if pages is None else paging.pages(pages, request, ask)
    except paging.BadToken as error:
        raise WrongUse(str(error)) from error
    except CallFailed as error:
        failed(about["name"], error, exit_code_of(error))


def _print(answer: Any, chosen: AwsOptions) -> None:
    if chosen.query is not None:
        import jmespath
        from jmespath.exceptions import JMESPathError

        try:
            answer = jmespath.search(chosen.query, answer)
        except JMESPathError as error:
            raise WrongUse(f"--query {chosen.query}: {error}") from None
    shown = written(answer, chosen.output)
    if shown:
        click.echo(shown)


def exit_code_of(error: CallFailed) -> int:
    """The exit code for a call that failed."""
    match error:
        case Refused():
            return REFUSED
        case NoCredentials() | BadProfile():
            return NO_IDENTITY
    return FAILED


def failed(what: str, error: CallFailed, status: int) -> NoReturn:
    said = f"{what} was refused ({error.code}): {error}" if isinstance(error, Refused) else f"{what}: {error}"
    click.echo(f"toque: {said}", err=True)
    raise SystemExit(status)
