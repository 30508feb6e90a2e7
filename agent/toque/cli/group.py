"""The command group `toque`: finds sub-commands by name and imports only the one that is called."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import NoReturn

import click

COMMANDS = {
    "agent": "toque.cli.agent:agent",
    "app": "toque.cli.verbs.app:app",
    "apply": "toque.cli.apply:apply",
    "audit": "toque.cli.verbs.audit:audit",
    "command": "toque.cli.verbs.command:command",
    "completion": "toque.cli.completion:completion",
    "cookbook": "toque.cli.verbs.cookbook:cookbook",
    "databag": "toque.cli.verbs.databag:databag",
    "database": "toque.cli.verbs.database:database",
    "deployment": "toque.cli.verbs.deployment:deployment",
    "event": "toque.cli.verbs.event:event",
    "explain": "toque.cli.verbs.explain:explain",
    "import": "toque.cli.importing:importing",
    "instance": "toque.cli.verbs.instance:instance",
    "layer": "toque.cli.verbs.layer:layer",
    "metrics": "toque.cli.verbs.metrics:metrics",
    "opsworks": "toque.cli.opsworks:opsworks",
    "plan": "toque.cli.apply:plan",
    "policy": "toque.cli.verbs.policy:policy",
    "shell": "toque.cli.shell:shell",
    "stack": "toque.cli.verbs.stack:stack",
    "token": "toque.cli.verbs.token:token",
    "user": "toque.cli.verbs.user:user",
}
"""Sub-commands of our own: name → `module:attribute`. What other distributions bring joins by the entry points
`toque.commands`, which are looked at only when a name is not here or when all are to be listed."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, or when help lists them."""

    def __init__(self, name: str, commands: dict[str, str], *, entry_points: str = "", help: str = "") -> None:
        super().__init__(name, help=help, context_settings={"help_option_names": ["-h", "--help"]})
        self._places, self._entry_points = commands, entry_points

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0].startswith("--") and "opsworks" in args:
            # `aws --region x opsworks …` is a common way to write it.
            from toque.cli.aws_options import behind

            moved = behind(args)
            args = moved if moved[:1] == ["opsworks"] else args
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        ours = [name for name, place in self._places.items() if _exists(place)]
        return sorted({*ours, *self._others()})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        place = self._places.get(name)
        if place is None or not _exists(place):
            place = self._others().get(name)
        return None if place is None else _load(place)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from toque.core.errors import did_you_mean

        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            ctx.fail(f"there is no command {args[0]}{did_you_mean(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)

    def _others(self) -> dict[str, str]:
        if not self._entry_points:
            return {}
        from importlib.metadata import entry_points

        return {point.name: point.value for point in entry_points(group=self._entry_points)}


def _exists(place: str) -> bool:
    return find_spec(place.partition(":")[0]) is not None


def _load(place: str) -> click.Command:
    module, _, name = place.partition(":")
    try:
        command: click.Command = getattr(import_module(module), name)
    except ModuleNotFoundError as missing:
        return _not_installed(module, missing)
    return command


def _not_installed(module: str, missing: ModuleNotFoundError) -> click.Command:
    """A command whose extra is not installed says how to install it, instead of being unknown."""
    extra = "server" if module.startswith("toque_server") else ""
    remedy = f"pip install 'toque[{extra}]'" if extra else f"pip install {missing.name}"

    @click.command(
        context_settings={"ignore_unknown_options": True, "help_option_names": []},
        short_help=f"not installed: {remedy}",
    )
    @click.argument("rest", nargs=-1)
    def explain(rest: tuple[str, ...]) -> NoReturn:
        raise click.ClickException(f"this needs the package {missing.name}, which is not installed: {remedy}")

    return explain


toque = LazyGroup(
    "toque",
    COMMANDS,
    entry_points="toque.commands",
    help="Keep machines in the state their owners wrote down, and keep them alive.",
)


def _version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"toque {version('toque')}")
    except PackageNotFoundError:
        click.echo("toque, from a checkout that was never installed")
    ctx.exit()


toque.params.append(
    click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_version,
        help="Say which Toque this is.",
    )
)
