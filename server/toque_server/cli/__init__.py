"""`toque server …`: make an installation, serve it, and keep its keys and its data safe."""

from __future__ import annotations

import click

from toque_server.cli.backup import backup
from toque_server.cli.doctor import doctor
from toque_server.cli.init import init
from toque_server.cli.keys import recover, rekey, rotate_key
from toque_server.cli.run import run
from toque_server.cli.users import create_access_key, create_api_token, create_user

__all__ = ["server"]


@click.group()
def server() -> None:
    """Make, serve and look after a Toque server.

    Exit status: 0 done; 1 refused, and the message says what to do; 2 the command line is wrong.
    """


for command in (
    init,
    run,
    create_user,
    create_access_key,
    create_api_token,
    doctor,
    rekey,
    rotate_key,
    recover,
    backup,
):
    server.add_command(command)
