"""`toque agent …`: join a server, be its agent, and see what the agent did."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import click
import msgspec

from toque.daemon import reports
from toque.daemon.config import DEFAULT_PATH, AgentConfig, BadConfig, check_server_url, load_config
from toque.daemon.identity import load_identity
from toque.daemon.recall import NoSuchRun, PastRun, choose, customer_json, past_runs
from toque.daemon.state import BadState, State
from toque.protocol.durable import write_durably

if TYPE_CHECKING:
    from toque.protocol.registration import OwnKey

P = ParamSpec("P")
R = TypeVar("R")

NO_SUCH_RUN = 2
_TAIL_LINES = 100


def acted_on(function: Callable[P, R]) -> Callable[P, R]:
    """Turn what an operator can act on into one line on stderr and an exit code."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (BadConfig, BadState) as wrong:
            raise click.ClickException(str(wrong)) from wrong
        except NoSuchRun as wrong:
            click.echo(f"Error: {wrong}", err=True)
            sys.exit(NO_SUCH_RUN)

    return wrapped


def settings() -> AgentConfig:
    return load_config(None, os.environ)


def the_state() -> State:
    """The state directory of this machine's agent; BadState when there is none."""
    root = Path(settings().state_dir)
    if not root.is_dir():
        raise BadState(f"there is no {root}: this machine has no agent (toque agent enrol --server URL --token TOKEN)")
    return State(root)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def agent() -> None:
    """Join a server, be its agent, and see what the agent did.

    Settings come from /etc/toque/agent.toml (or $TOQUE_AGENT_CONFIG); each key of it can be given as
    TOQUE_AGENT_<KEY> in the environment.
    """


@agent.command()
@click.option("--server", "server_url", metavar="URL", help="Where the server is, e.g. https://toque.example:8780.")
@click.option("--token", metavar="TOKEN", help="The join token; - reads it from standard input.")
@click.option("--token-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with it.")
@click.option(
    "--ca-file", type=click.Path(exists=True, dir_okay=False), help="The authority of the server's certificate."
)
@click.option("--instance-id", metavar="ID", help="In place of a token: what RegisterInstance answered, and …")
@click.option(
    "--key",
    "key_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="… the private key, in PEM, whose public half it was given, and …",
)
@click.option(
    "--root-fingerprint", metavar="SHA256", help="… `root_fingerprint` of DescribeStackProvisioningParameters."
)
@acted_on
def enrol(
    server_url: str | None,
    token: str | None,
    token_file: Path | None,
    ca_file: str | None,
    instance_id: str | None,
    key_file: Path | None,
    root_fingerprint: str | None,
) -> None:
    """Make this machine an instance of the stack that the token is for, or the instance that it was registered as.

    Safe to repeat: the same token and the same machine give the same instance. The settings are kept in
    /etc/toque/agent.toml. Start the agent afterwards: systemctl enable --now toque-agent.
    """
    from toque.daemon.client import Refused, Unreachable
    from toque.daemon.enrol import enrol as join
    from toque.daemon.leave import note_installed
    from toque.daemon.trust import NotBelieved
    from toque.protocol.keys import BadKey
    from toque.protocol.tokens import BadToken, JoinToken, parse_token

    config = settings()
    if server_url:
        config = msgspec.structs.replace(config, server_url=check_server_url(server_url))
    if ca_file:
        config = msgspec.structs.replace(config, ca_file=str(Path(ca_file).absolute()))
    if not config.server_url:
        raise click.UsageError("say where the server is: --server URL")
    state = State(Path(config.state_dir))
    known = load_identity(state)
    if known is not None:
        click.echo(f"this machine is instance {known.instance_id} already")
        return
    try:
        if instance_id or key_file or root_fingerprint:
            invitation: JoinToken | OwnKey = _own_key(instance_id, key_file, root_fingerprint)
        else:
            text = token_file.read_text() if token_file else sys.stdin.readline() if token == "-" else token
            if not text:
                raise click.UsageError("give the join token: --token TOKEN, --token - or --token-file FILE")
            invitation = parse_token(text)
        state.hold(wait=False)
        identity = join(state, config, invitation)
    except (BadKey, BadToken, Unreachable, Refused, NotBelieved) as wrong:
        raise click.ClickException(f"{wrong}") from wrong
    if (kept := _keep_settings(config)) is not None:
        note_installed(state, [str(kept)])
    click.echo(f"this machine is instance {identity.instance_id} of stack {identity.stack_id} now")


@agent.command()
def run() -> NoReturn:
    """Be the agent of this machine, in the foreground, until SIGTERM.

    Without an identity it joins first, with the token in `join_token_file`. Exit status 78: there is nothing to do
    here (no identity and no token, a copied disk, or the machine has left its stack).
    """
    # A fresh interpreter: the resident process must not carry the command line's libraries.
    os.execv(sys.executable, [sys.executable, "-m", "toque.daemon.main"])


@agent.command()
@acted_on
def once() -> None:
    """Poll once, carry out what the server has to do for this machine, and end."""
    from toque.daemon import leave
    from toque.daemon.carry import Stopped
    from toque.daemon.client import Refused, Unreachable
    from toque.daemon.main import Agent

    config, state = settings(), the_state()
    identity = load_identity(state)
    if identity is None:
        raise BadState("this machine has no identity: toque agent enrol --server URL --token TOKEN")
    state.hold(wait=False)
    try:
        Agent(state, config, identity).once()
    except (Unreachable, Refused) as wrong:
        raise click.ClickException(str(wrong)) from wrong
    except Stopped:
        click.echo("a command waits for this machine to restart: restart it, or start the agent, which does that")
    if leave.is_wished(state):
        leave.leave(state, Path(config.log_dir))
        click.echo("this machine was deregistered: it has left its stack")


@agent.command()
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@acted_on
def status(output: str) -> None:
    """Say whether the agent runs, for whom, and what it did last. Exit status 3 when it does not run."""
    from toque.daemon.main import disabled_reason
    from toque.daemon.policy import load_seen

    config, state = settings(), the_state()
    identity, runs, pid = load_identity(state), past_runs(state), state.agent_pid()
    last = runs[-1] if runs else None
    facts: dict[str, Any] = {
        "running": bool(pid),
        "pid": pid,
        "server": config.server_url,
        "instance": identity.instance_id if identity else "",
        "stack": identity.stack_id if identity else "",
        "key": identity.current.key_id if identity else "",
        "policy_version": load_seen(state).version,
        "disabled": disabled_reason(state),
        "last_command": f"{last.activity} {last.date} {last.record.step}" if last else "",
    }
    if output == "json":
        click.echo(json.dumps(facts))
    else:
        for name, value in facts.items():
            click.echo(f"{name.replace('_', ' '):16}{value}")
    sys.exit(0 if pid else 3)


@agent.command()
@click.option("--reason", required=True, help="Why; the server shows it.")
@acted_on
def disable(reason: str) -> None:
    """Take no commands until `toque agent enable`. Contact goes on, and a run under way ends as it will."""
    write_durably(the_state().disabled, reason.encode())


@agent.command()
@acted_on
def enable() -> None:
    """Take commands again."""
    the_state().disabled.unlink(missing_ok=True)


@agent.command()
@click.option("--instance", is_flag=True, help="Say more: stack, layers, hardware, location, network.")
@acted_on
def report(instance: bool) -> None:
    """Say when the agent was last active, and its version."""
    state = the_state()
    write = reports.instance_report if instance else reports.agent_report
    click.echo(write(past_runs(state), state.agent_pid()))


@agent.command(name="list")
@click.argument("words", nargs=-1, metavar="[ACTIVITY] [DATE]")
@acted_on
def list_(words: tuple[str, ...]) -> None:
    """List the commands that are kept on this machine, oldest first."""
    runs = [each for each in past_runs(the_state()) if set(words) <= {each.activity, each.date}]
    click.echo(reports.command_lines(runs))


@agent.command()
@click.argument("words", nargs=-1, metavar="[ACTIVITY] [DATE]")
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has ended.")
@click.option("-n", "--lines", default=_TAIL_LINES, show_default=True, help="How many lines of its end; 0 for all.")
@acted_on
def log(words: tuple[str, ...], follow: bool, lines: int) -> None:
    """Show the end of a run's log; works while it runs."""
    state = the_state()
    show_log(state, choose(past_runs(state), words), follow=follow, lines=lines)


@agent.command(name="stack-state")
@acted_on
def stack_state() -> None:
    """Print what this machine knows of its stack, as JSON."""
    click.echo(json.dumps(reports.stack_state(past_runs(the_state())), indent=2))


def show_log(state: State, run: PastRun, *, follow: bool, lines: int = _TAIL_LINES) -> None:
    """Print the end of a log, and with `follow` what is added until the run has ended."""
    offset = 0
    if run.log.exists():
        data = run.log.read_bytes()
        offset = len(data)
        shown = data.splitlines(keepends=True)
        sys.stdout.buffer.write(b"".join(shown[-lines:] if lines else shown))
    while follow:
        ended = next((each for each in past_runs(state) if each.directory == run.directory), run).record.end is not None
        if run.log.exists():
            with run.log.open("rb") as file:
                file.seek(offset)
                data = file.read()
            offset += len(data)
            sys.stdout.buffer.write(data)
        sys.stdout.flush()
        if ended:
            return
        time.sleep(0.2)


def print_json(run: PastRun, *, internal: bool, show_secrets: bool) -> None:
    if internal:
        shown = reports.internal_json(run, show_secrets=show_secrets)
    else:
        shown = customer_json(run, show_secrets=show_secrets)
    click.echo(json.dumps(shown, indent=2))


def _own_key(instance_id: str | None, key_file: Path | None, root_fingerprint: str | None) -> OwnKey:
    """The key that this machine was registered with. Raises BadKey."""
    from toque.protocol.registration import OwnKey, read_private

    if not (instance_id and key_file and root_fingerprint):
        raise click.UsageError("a registered machine joins with all of --instance-id, --key and --root-fingerprint")
    return OwnKey(instance_id, read_private(key_file.read_bytes()), root_fingerprint)


def _keep_settings(config: AgentConfig) -> Path | None:
    """Write agent.toml for the service, unless an administrator has written one or the environment leads elsewhere."""
    path = Path(os.environ.get("TOQUE_AGENT_CONFIG", str(DEFAULT_PATH)))
    if path.exists() or "TOQUE_AGENT_SERVER_URL" in os.environ:
        return None
    keys = {"server_url": config.server_url, "ca_file": config.ca_file, "state_dir": config.state_dir}
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in keys.items() if value)
    write_durably(path, text.encode(), mode=0o644)
    return path
