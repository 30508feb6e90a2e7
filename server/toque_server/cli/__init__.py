"""`toque server …`: make an installation, serve it, and keep its keys and its data safe."""

from __future__ import annotations

from importlib import import_module

import click

__all__ = ["server"]

COMMANDS = {
    "backup": "backup:backup",
    "create-access-key": "users:create_access_key",
    "create-api-token": "users:create_api_token",
    "create-user": "users:create_user",
    "doctor": "doctor:doctor",
    "init": "init:init",
    "recover": "keys:recover",
    "rekey": "keys:rekey",
    "rotate-key": "keys:rotate_key",
    "run": "run:run",
}
"""Name → module of this package, and attribute. Only what is called is imported: the whole server takes a second."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), attribute)
        return command


@click.group(cls=_Lazy)
def server() -> None:
    """Make, serve and look after a Toque server.

    Exit status: 0 done; 1 refused, and the message says what to do; 2 the command line is wrong.
    """
