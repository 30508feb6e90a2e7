"""What the commands about dependencies have in common: options, errors, and servers as sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from toque.core.errors import ToqueError

if TYPE_CHECKING:
    from toque.cookbook.deps.fetch import Fetcher
    from toque.cookbook.deps.manifest import ServerSource
    from toque.cookbook.deps.repository import Repository

F = TypeVar("F", bound=Callable[..., Any])

in_folder = click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default=True,
    help="The folder of cookbooks.toml.",
)


def fetching(function: F) -> F:
    """The options of everything that may fetch."""
    for option in (
        click.option("--offline", is_flag=True, help="Use only what was fetched before."),
        click.option(
            "--allow-insecure-sources",
            is_flag=True,
            envvar="TOQUE_ALLOW_INSECURE_SOURCES",
            help="Fetch over http and git, from this disk and from private addresses too.",
        ),
        click.option(
            "--ssh-key",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            envvar="TOQUE_SSH_KEY",
            help="A private key file for repositories over ssh.",
        ),
    ):
        function = option(function)
    return function


@contextmanager
def told() -> Iterator[None]:
    """What goes wrong becomes one message; the command ends with 1."""
    try:
        yield
    except ToqueError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or 'the disk'}: {error.strerror or error}") from error


def fetcher(
    repository: Repository, *, offline: bool, allow_insecure_sources: bool, ssh_key: Path | None, quiet: bool = False
) -> Fetcher:
    """Fetches into the user's cache, and tells of it on the other stream."""
    from toque.cookbook.deps.cache import Cache, users_cache
    from toque.cookbook.deps.fetch import Fetcher

    known_hosts = Path("~/.ssh/known_hosts").expanduser()
    return Fetcher(
        repository.root,
        Cache(users_cache()),
        repository.manifest.sources,
        ServerShelves(),
        allow_insecure=allow_insecure_sources,
        offline=offline,
        ssh_key=None if ssh_key is None else ssh_key.read_text(encoding="utf-8", errors="replace"),
        known_hosts=known_hosts.read_text(encoding="utf-8", errors="replace") if known_hosts.is_file() else None,
        say=_quiet if quiet else lambda text: click.echo(text, err=True),
    )


def _quiet(_: str) -> None:
    return None


@dataclass(frozen=True)
class ServerShelves:
    """Cookbooks of stacks of the server that the command line speaks to."""

    def listed(self, source: ServerSource) -> Mapping[str, Mapping[str, str]]:
        found: dict[str, dict[str, str]] = {}
        with _asked(source) as (server, stack):
            for bundle in server.every("DescribeCookbooks", "Bundles", StackId=stack):
                for each in bundle["Cookbooks"]:
                    # Newest bundles come first: of one version the latest publication counts.
                    found.setdefault(each["Name"], {}).setdefault(each["Version"], bundle["Digest"])
        return found

    def bundle(self, source: ServerSource, digest: str) -> bytes:
        import base64

        with _asked(source) as (server, stack):
            return base64.b64decode(server("GetCookbooks", StackId=stack, Digest=digest)["Archive"])


@contextmanager
def _asked(source: ServerSource) -> Iterator[tuple[Any, str]]:
    from toque.cli.verbs.server import Server
    from toque.client.errors import CallFailed
    from toque.cookbook.deps.errors import NotToBeHad

    try:
        server = Server.here()
        ours = server.connection.server_url.rstrip("/")
        if ours != source.server:
            raise NotToBeHad(
                f"it is of the server {source.server}, and the command line speaks to {ours}, whose credentials go to "
                "no other: set TOQUE_SERVER_URL and the credentials for it"
            )
        yield server, server.stack_id(source.stack)
    except CallFailed as error:
        raise NotToBeHad(f"the server {source.server} says: {error}") from error
