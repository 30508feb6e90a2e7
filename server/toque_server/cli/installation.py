"""What the server's commands share: where the data is, how they answer, how they refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec
import yaml
from sqlalchemy.exc import OperationalError

from toque_server.operations.context import Services
from toque_server.security.envelope import CannotOpen
from toque_server.security.keys import BadKeys, WrongRootKey
from toque_server.settings import BadSettings, Settings, load
from toque_server.store.database import DatabaseInUse, DiskFull
from toque_server.store.schema import NewerSchema, OlderSchema

F = TypeVar("F", bound=Callable[..., Any])

data_dir_option = click.option(
    "--data-dir",
    required=True,
    envvar="TOQUE_DATA_DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the installation lives.  [env: TOQUE_DATA_DIR]",
)
output_option = click.option(
    "--output", type=click.Choice(["text", "json", "yaml"]), default="text", show_default=True, help="How to answer."
)

REFUSALS = (
    BadSettings,
    BadKeys,
    WrongRootKey,
    CannotOpen,
    DatabaseInUse,
    DiskFull,
    NewerSchema,
    OlderSchema,
    OSError,
)


@contextmanager
def refusals() -> Iterator[None]:
    """What a person can act on is said in a line; anything else keeps its traceback."""
    try:
        yield
    except OperationalError as error:
        raise click.ClickException(f"the database does not answer: {error.orig}") from error
    except REFUSALS as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def opened(data_dir: Path, *, writes: bool) -> Iterator[Services]:
    """The installation in `data_dir`. `writes`: claim it, because one process writes to a SQLite database."""
    # Here, because what only serves or makes an installation is spared the import of half the server.
    from toque_server.wsgi import create_services

    with refusals():
        services = create_services(load(data_dir))
        try:
            if writes:
                _claim(services)
            services.database.check_schema()
            yield services
        finally:
            services.database.close()


def _claim(services: Services) -> None:
    try:
        services.database.claim()
    except DatabaseInUse as error:
        raise click.ClickException(
            f"{error}. While it runs, its operations CreateUser, CreateAccessKey and CreateApiToken do the same"
        ) from error


def say(answer: Mapping[str, Any], output: str, lines: Callable[[], None]) -> None:
    """Answer in the form asked for; `lines` prints it for a person."""
    if output == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(answer), indent=2).decode())
    elif output == "yaml":
        click.echo(yaml.safe_dump(dict(answer), sort_keys=False), nl=False)
    else:
        lines()


def settings_of(data_dir: Path, **instead: Any) -> Settings:
    with refusals():
        return load(data_dir, **instead)
