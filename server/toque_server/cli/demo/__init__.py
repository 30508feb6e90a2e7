"""`toque demo`: a real fleet on this machine, and the same fleet asserted with `--self-test`."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event

import click

from toque_server.cli.demo import balancer, selftest
from toque_server.cli.demo.api import Refused, TookTooLong
from toque_server.cli.demo.fleet import Fleet, new_data_dir


@click.command("demo")
@click.option(
    "--self-test", "self_test", is_flag=True, help="Assert everything the demo shows, tear it down, exit 0 or 1."
)
@click.option(
    "--provider",
    type=click.Choice(["sandbox"]),
    default="sandbox",
    show_default=True,
    help="Where instances come from.",
)
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Keep the server's data here (default: a temporary folder, removed at the end).",
)
@click.option(
    "--listen", default="127.0.0.1:8780", show_default=True, metavar="HOST:PORT", help="Where the server listens."
)
def demo(self_test: bool, provider: str, data_dir: Path | None, listen: str) -> None:
    """Run a real fleet on this machine until Ctrl-C.

    A server on SQLite, a stack with a balancer layer and an app layer of two sandbox instances, and a guestbook
    deployed from a git repository. Nothing is left behind at the end. Exit status: 0 when all went well, 1 when not.
    """
    began = time.monotonic()
    _refuse_where_impossible()
    fleet = Fleet(listen=listen, data_dir=(data_dir or new_data_dir()).resolve(), keep=data_dir is not None)
    fleet.balancer = _balancer_is_possible()
    _end_on_signals()
    try:
        with fleet:
            _bring_up(fleet)
            click.echo(f"online after {time.monotonic() - began:.0f} s")
            good = _assert_all(fleet) if self_test else _stay(fleet)
    except (TookTooLong, Refused) as error:
        click.echo(f"the demo stopped: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        good = True
    if self_test and data_dir is None:
        good = _report("everything is torn down", lambda: selftest.nothing_left(fleet.data_dir)) and good
    if not self_test:
        click.echo("everything is torn down")
    sys.exit(0 if good else 1)


def _refuse_where_impossible() -> None:
    from toque import sandbox

    refusal = sandbox.ready()
    if refusal is not None:
        raise click.ClickException(str(refusal))


def _balancer_is_possible() -> bool:
    if balancer.is_possible():
        return True
    click.echo("going on without a balancer: haproxy is not installed here, and apt cannot fetch it")
    return False


def _bring_up(fleet: Fleet) -> None:
    click.echo(f"server on {fleet.url} (data in {fleet.data_dir})")
    fleet.start_server()
    fleet.serve_sources()
    fleet.describe()
    click.echo("stack 'demo': starting its instances")
    selftest.start_and_wait(fleet, click.echo)


def _stay(fleet: Fleet) -> bool:
    secrets = fleet.credentials
    kill = f"{sys.executable} -m toque.sandbox kill {fleet.sandbox_of('python-app1')}"
    lines = [
        "",
        f"The guestbook    {fleet.front_url()}",
        f"The console      {fleet.url}/console/   user {secrets.console_user}, password {secrets.console_password}",
        "",
        "Kill an instance, and watch it heal in the console:",
        f"  {kill}",
        "Deploy another release, then press Deploy in the console:",
        f"  cd {fleet.guestbook.path} && echo 2 > RELEASE && git commit -qam 'Release 2'",
        "Use the aws client (awscli 1.42.18; `make setup` puts one into .venv-aws):",
        f"  export AWS_ENDPOINT_URL_OPSWORKS={fleet.url} AWS_DEFAULT_REGION=us-east-1",
        f"  export AWS_ACCESS_KEY_ID={secrets.access_key_id}",
        f"  export AWS_SECRET_ACCESS_KEY={secrets.secret_access_key}",
        f"  aws opsworks describe-instances --stack-id {fleet.stack_id}",
        "Use the API:",
        f"  curl {fleet.url}/api/DescribeStacks -d '{{}}' -H 'Content-Type: application/json' \\",
        f"       -H 'Authorization: Bearer {secrets.api_token}'",
        "",
        "Ctrl-C ends the demo and leaves nothing behind.",
    ]
    click.echo("\n".join(lines))
    Event().wait()
    return True


def _assert_all(fleet: Fleet) -> bool:
    good = True
    for title, check in selftest.checks():
        good = _report(title, partial(check, fleet)) and good
    return good


def _report(title: str, check: Callable[[], str]) -> bool:
    began = time.monotonic()
    try:
        saw = check()
    except selftest.CheckSkipped as skipped:
        must = os.environ.get("TOQUE_TEST_REQUIRE") == "all"
        click.echo(f"{'FAILED ' if must else 'skipped'}  {title}: {skipped}")
        return not must
    except (selftest.CheckFailed, Refused) as failed:
        click.echo(f"FAILED   {title}: {failed}")
        return False
    click.echo(f"ok       {title}: {saw} ({time.monotonic() - began:.1f} s)")
    return True


def _end_on_signals() -> None:
    def end(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)
