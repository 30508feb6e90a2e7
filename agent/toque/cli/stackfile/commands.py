"""The commands `export`, `diff` and `apply` of `toque stack`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from toque.cli.stackfile.applying import Wish, bring_about
from toque.cli.stackfile.fetching import Found, fetched
from toque.cli.stackfile.given import given_secrets
from toque.cli.verbs.server import NotOne, Server
from toque.stackfile.model import StackFile

F = TypeVar("F", bound=Callable[..., Any])

_EXIT_CODES = """\b
Exit codes:
  0    {done}
  1    the file cannot come true as it stands, or the question was answered with no
  2    the command line is wrong, or the file is no stack file
  10   {differs}
  253 to 255  as those of `toque opsworks`; what was done until then stays
"""


def _options(command: F) -> F:
    command = click.option(
        "--renew-secrets", "renew", is_flag=True, help="Send the secrets that are given, also where there are some."
    )(command)
    command = click.option("--prune", is_flag=True, help="Delete what the stack has and the file has not.")(command)
    return click.option(
        "--secrets",
        "secrets_file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="A file of NAME: value for !secret NAME; else TOQUE_SECRET_NAME in the environment.",
    )(command)


@click.command()
@click.argument("which", metavar="NAME|ID")
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False, path_type=Path), help="Write this file.")
@click.option("--hide-data-bags", is_flag=True, help="Put references in place of every text in data bags.")
def export(which: str, target: Path | None, hide_data_bags: bool) -> None:
    """Write a whole stack as one YAML file.

    Secrets that the server keeps are written as references, `!secret NAME`. The values of data bags and custom JSON
    are in the file in clear, as whoever may deploy can read them; --hide-data-bags writes references for the bags.
    """
    server = Server.here()
    found = fetched(server, which)
    if found is None:
        raise NotOne(f"there is no stack {which}; `toque stack list` shows all")
    text = _text(found, server.connection.server_url, hide_data_bags=hide_data_bags)
    for note in found.notes:
        click.echo(f"toque: {note}", err=True)
    if target is None:
        click.echo(text, nl=False)
        return
    from toque.protocol.durable import write_durably

    try:
        write_durably(target, text.encode(), mode=0o600)
    except OSError as error:
        raise click.UsageError(f"{target} cannot be written: {error.strerror}") from None


@click.command(epilog=_EXIT_CODES.format(done="nothing differs", differs="something differs"))
@click.argument("file", metavar="FILE.yaml")
@_options
def diff(file: str, secrets_file: Path | None, prune: bool, renew: bool) -> None:
    """Show what `apply` would do to make a stack what the file says; nothing is changed."""
    document = _loaded(file)
    wish = Wish(given_secrets(secrets_file), prune, renew)
    sys.exit(bring_about(Server.here(), document, wish, dry_run=True))


@click.command(
    epilog=_EXIT_CODES.format(
        done="the stack is as the file says, and was, or was made so", differs="with --dry-run: something differs"
    )
)
@click.argument("file", metavar="FILE.yaml")
@_options
@click.option("--dry-run", is_flag=True, help="Only show what differs, as `toque stack diff` does.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def apply(file: str, secrets_file: Path | None, prune: bool, renew: bool, dry_run: bool, yes: bool) -> None:
    """Make a stack what the file says: show what differs, ask, and carry it out.

    The stack is the one of the file's name; where there is none, it is made. What is missing is created and what
    differs updated; what the stack has and the file has not stays, unless --prune is given. It stops at the first
    refusal, and running it again goes on.
    """
    document = _loaded(file)
    wish = Wish(given_secrets(secrets_file), prune, renew)
    sys.exit(bring_about(Server.here(), document, wish, dry_run=dry_run, yes=yes))


def _loaded(file: str) -> StackFile:
    from toque.stackfile.loading import load
    from toque.stackfile.problems import BadStackFile

    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        return load(text, file)
    except BadStackFile as error:
        click.echo(str(error), err=True)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        click.echo(f"toque: {file} cannot be read: {why}", err=True)
    raise SystemExit(2)


def _text(found: Found, server_url: str, *, hide_data_bags: bool) -> str:
    from toque.stackfile.hiding import hidden
    from toque.stackfile.writing import written

    document = hidden(found.document) if hide_data_bags else found.document
    notes = "".join(f"\nNot in it: {note}" for note in found.notes)
    return written(document, comment=f"Stack {document.stack.name} of {server_url}.{notes}")
