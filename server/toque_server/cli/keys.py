"""`toque server rekey`, `rotate-key`, `recover`: new keys in place of old ones."""

from __future__ import annotations

import time
from pathlib import Path

import click

from toque.protocol import keys as pieces
from toque_server.cli.installation import data_dir_option, opened, refusals
from toque_server.operations.rekey import remaining, rewrap_all
from toque_server.security import keys
from toque_server.settings import load
from toque_server.store.database import DatabaseInUse
from toque_server.wsgi import create_services

_WAIT = 120.0

root_key_option = click.option(
    "--root-key",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The root key that `init` wrote and you moved away. It is read, never kept.",
)


@click.command()
@data_dir_option
def rekey(data_dir: Path) -> None:
    """Put a new master key in place and seal every data key anew.

    Works while the server runs. If it is interrupted, call it again: it goes on where it stopped. The former key is
    kept under keys/retired, because backups made before today open only with it; move it away.
    """
    directory = data_dir / "keys"
    with refusals():
        keys.begin_rekey(directory)
        services = create_services(load(data_dir))
        database = services.database
        try:
            database.check_schema()
            try:
                database.claim()
            except DatabaseInUse:
                click.echo("the server is running and seals the data keys anew", err=True)
                _wait_for(lambda: remaining(services) == 0)
            else:
                rewrap_all(services)
        finally:
            database.close()
        kept = keys.end_rekey(directory)
    click.echo(f"Done. The former master key is {kept}: move it to where your older backups are.")


@click.command("rotate-key")
@data_dir_option
@root_key_option
def rotate_key(data_dir: Path, root_key: Path) -> None:
    """Renew the online key, which signs commands and policies: every 90 days, and at once when it may be known."""
    _renew(data_dir, root_key, recover=False)
    click.echo("Done. Restart the server, and its other hosts after copying keys/ there, to sign with the new key.")


@click.command()
@data_dir_option
@root_key_option
def recover(data_dir: Path, root_key: Path) -> None:
    """After restoring a backup: tell nodes that numbers they remember may come again, with a higher recovery epoch."""
    _renew(data_dir, root_key, recover=True)
    click.echo("Done. Start the server: nodes accept its commands once they have the new root manifest.")


def _renew(data_dir: Path, root_key: Path, *, recover: bool) -> None:
    with opened(data_dir, writes=False) as services:
        try:
            root = pieces.read_signing_key(root_key)
        except pieces.BadKey as error:
            raise click.ClickException(str(error)) from error
        epoch = services.keys.manifest.recovery_epoch + 1 if recover else None
        keys.save(data_dir / "keys", keys.renew_online(services.keys, root, recovery_epoch=epoch))


def _wait_for(done: object) -> None:
    assert callable(done)
    deadline = time.monotonic() + _WAIT
    while not done():
        if time.monotonic() > deadline:
            raise click.ClickException(
                f"it took longer than {_WAIT:.0f} s; look at the server's log and call this again"
            )
        time.sleep(0.2)
