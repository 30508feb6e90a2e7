"""`opsworks-agent-cli`: the agent's command line under the name, with the arguments and texts, that it had in OpsWorks.

Exit codes: 0 ok, 1 usage, 2 no such run, else the code of the run.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import NoReturn

import click

from toque.cli.agent import acted_on, print_json, show_log, the_state
from toque.daemon import reports
from toque.daemon.recall import choose, past_runs
from toque.daemon.rerun import rerun

USAGE = 1
_WORDS = "[ACTIVITY] [DATE]"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """See and repeat what the agent of this machine did.

    ACTIVITY is a type of command (setup, configure, deploy, …), DATE a time as list_commands prints it. Neither: the
    newest run.
    """


@cli.command("agent_report")
@acted_on
def agent_report() -> None:
    """When the agent was last active, whether it runs, its version."""
    state = the_state()
    click.echo(reports.agent_report(past_runs(state), state.agent_pid()))


@cli.command("instance_report")
@acted_on
def instance_report() -> None:
    """The same, and stack, layers, hardware, location and network of this machine."""
    state = the_state()
    click.echo(reports.instance_report(past_runs(state), state.agent_pid()))


@cli.command("list_commands")
@click.argument("words", nargs=-1, metavar=_WORDS)
@acted_on
def list_commands(words: tuple[str, ...]) -> None:
    """The commands kept on this machine, oldest first."""
    runs = [each for each in past_runs(the_state()) if set(words) <= {each.activity, each.date}]
    click.echo(reports.command_lines(runs))


@cli.command("get_json")
@click.argument("words", nargs=-1, metavar=_WORDS)
@click.option(
    "-i/--no-i", "--internal/--no-internal", "internal", default=False, help="The agent's whole object of that run."
)
@click.option("--show-secrets", is_flag=True, help="Print secrets instead of *****FILTERED*****.")
@acted_on
def get_json(words: tuple[str, ...], internal: bool, show_secrets: bool) -> None:
    """What a run was given: its recipes and attributes, as JSON."""
    run = choose(past_runs(the_state()), words)
    print_json(run, internal=internal, show_secrets=show_secrets)


@cli.command("run_command")
@click.argument("words", nargs=-1, metavar=f"{_WORDS} [FILE]")
@click.option("-f", "--file", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@acted_on
def run_command(words: tuple[str, ...], file: Path | None) -> NoReturn:
    """Run a kept command again, here, now. The server hears nothing of it.

    FILE is an object as get_json prints it: its run_list and attributes take the place of the run's.
    """
    if words and file is None and Path(words[-1]).is_file():
        file, words = Path(words[-1]), words[:-1]
    replacement = None
    if file is not None:
        try:
            replacement = json.loads(file.read_text())
        except ValueError as wrong:
            raise click.ClickException(f"{file} is no JSON: {wrong}") from wrong
    state = the_state()
    sys.exit(rerun(state, choose(past_runs(state), words), replacement))


@cli.command("show_log")
@click.argument("words", nargs=-1, metavar=_WORDS)
@click.option("--follow", is_flag=True, help="Go on until the run has ended.")
@acted_on
def show_log_(words: tuple[str, ...], follow: bool) -> None:
    """The end of a run's log; works while it runs."""
    state = the_state()
    show_log(state, choose(past_runs(state), words), follow=follow)


@cli.command("stack_state")
@acted_on
def stack_state() -> None:
    """What this machine knows of its stack, as JSON."""
    click.echo(json.dumps(reports.stack_state(past_runs(the_state())), indent=2))


def main() -> NoReturn:
    """The program `opsworks-agent-cli`."""
    try:
        if os.geteuid() != 0 and not Path(os.environ.get("TOQUE_AGENT_STATE_DIR", "")).is_absolute():
            click.echo("Error: only root can read the agent's state: sudo opsworks-agent-cli …", err=True)
            sys.exit(USAGE)
        cli.main(prog_name="opsworks-agent-cli", standalone_mode=False)
        sys.exit(0)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(USAGE)
    except click.Abort:
        sys.exit(130)
