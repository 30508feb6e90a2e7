"""`toque instance`: list, show, create, start, stop, reboot, heal and delete instances."""

from __future__ import annotations

import click

from toque.cli.verbs import watch
from toque.cli.verbs.common import add_list, add_show
from toque.cli.verbs.group import Verbs, in_stack, of_stack, output, show_list, show_one, waits
from toque.cli.verbs.server import Server

instance = Verbs("instance", "Instances: the machines of a stack.")
add_list(instance, "instance")
add_show(instance, "instance")

_KEYS = {"Hostname": "INSTANCE", "State": "STATE", "Conflict": "HELD", "CreatedAt": "CREATED", "Fingerprint": "KEY"}
_which = click.argument("which", nargs=-1, required=True)
_DRIFT_COLUMNS = {
    "Hostname": "INSTANCE",
    "Runs": "RUNS",
    "Intended": "INTENDED",
    "DriftCorrected": "DRIFT",
    "LastDriftAt": "LAST DRIFT",
    "Flapping": "FLAPPING",
}
_ERROR_COLUMNS = {"CreatedAt": "AT", "Type": "TYPE", "Message": "MESSAGE"}


@instance.command()
@of_stack
@click.option("--layer", "layers", multiple=True, required=True, help="By id or name; may be given again.")
@click.option("--type", "kind", default="small", show_default=True, help="Its size, as the provider names it.")
@click.option("--hostname", help="Suggested by the stack's theme where not given.")
@click.option("--os", help="The stack's where not given.")
@click.option("--start", is_flag=True, help="Start it, too.")
@waits
def create(
    stack: str,
    layers: tuple[str, ...],
    kind: str,
    hostname: str | None,
    os: str | None,
    start: bool,
    wait: bool,
    timeout: float,
) -> None:
    """Add an instance to layers of a stack; prints its id. It is a record until it is started."""
    server = Server.here()
    made = server(
        "CreateInstance",
        StackId=server.stack_id(stack),
        LayerIds=server.ids("layer", layers, stack),
        InstanceType=kind,
        Hostname=hostname,
        Os=os,
    )["InstanceId"]
    click.echo(made)
    if start or wait:
        server("StartInstance", InstanceId=made)
    if wait:
        watch.instances(server, [made], "InstanceOnline", timeout=timeout)


@instance.command()
@_which
@in_stack
@waits
def start(which: tuple[str, ...], stack: str | None, wait: bool, timeout: float) -> None:
    """Start instances."""
    _order("StartInstance", which, stack, waiter="InstanceOnline" if wait else "", timeout=timeout)


@instance.command()
@_which
@in_stack
@click.option("--force", is_flag=True, help="Do not wait for the Shutdown event.")
@waits
def stop(which: tuple[str, ...], stack: str | None, force: bool, wait: bool, timeout: float) -> None:
    """Stop instances."""
    waiter = "InstanceStopped" if wait else ""
    _order("StopInstance", which, stack, waiter=waiter, timeout=timeout, Force=force or None)


@instance.command()
@_which
@in_stack
def reboot(which: tuple[str, ...], stack: str | None) -> None:
    """Reboot instances."""
    _order("RebootInstance", which, stack)


@instance.command()
@_which
@in_stack
def heal(which: tuple[str, ...], stack: str | None) -> None:
    """Heal instances now, whatever the guards of healing say."""
    _order("HealInstance", which, stack)


@instance.command()
@click.argument("which")
@in_stack
@output
def errors(which: str, stack: str | None, output: str) -> None:
    """List the service errors of an instance, newest first: why it failed, was healed, or what a run left undone."""
    server = Server.here()
    id = server.find("instance", which, stack)["InstanceId"]
    found = server("DescribeServiceErrors", InstanceId=id)["ServiceErrors"]
    show_list("ServiceErrors", found, _ERROR_COLUMNS, output)


@instance.command()
@click.argument("which")
@in_stack
@output
def facts(which: str, stack: str | None, output: str) -> None:
    """Show what an instance's agent says of its machine, and the facts that recipes gave it."""
    server = Server.here()
    id = server.find("instance", which, stack)["InstanceId"]
    [found] = server("DescribeConditions", InstanceId=id)["Conditions"]
    given = found["Facts"].pop("custom", {})
    show_one(found["Facts"] | given if output == "table" else {**found["Facts"], "custom": given}, output)


@instance.command()
@of_stack
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="Over so many days.")
@output
def drift(stack: str, days: int, output: str) -> None:
    """List how often recipes put right what others had changed, and which resources change in every run."""
    server = Server.here()
    found = server.every("DescribeDrift", "Drift", StackId=server.stack_id(stack), Days=days)
    show_list("Drift", found, _DRIFT_COLUMNS, output)


@instance.command()
@_which
@in_stack
@waits
def delete(which: tuple[str, ...], stack: str | None, wait: bool, timeout: float) -> None:
    """Delete instances: their machines end, and their records go."""
    _order("DeleteInstance", which, stack, waiter="InstanceTerminated" if wait else "", timeout=timeout)


@instance.command()
@in_stack
@click.argument("which", required=False)
@click.option("--all", "all_", is_flag=True, help="Revoked ones, too.")
@output
def keys(stack: str | None, which: str | None, all_: bool, output: str) -> None:
    """List the keys with which the machines of a stack, or one instance's, prove who they are."""
    server = Server.here()
    if which is None and stack is None:
        raise click.UsageError("give an instance, or --stack")
    whose = {"InstanceId": server.find("instance", which, stack)["InstanceId"]} if which else {}
    if stack is not None and not which:
        whose = {"StackId": server.stack_id(stack)}
    found = server.every("DescribeNodeKeys", "NodeKeys", **whose, IncludeRevoked=all_ or None)
    show_list("NodeKeys", found, _KEYS, output)


@instance.command("free-key")
@_which
@in_stack
def free_key(which: tuple[str, ...], stack: str | None) -> None:
    """Let instances go on that are held because two machines used their key; first switch the wrong machine off."""
    _order("FreeNodeKey", which, stack)


@instance.command("revoke-key")
@_which
@in_stack
def revoke_key(which: tuple[str, ...], stack: str | None) -> None:
    """Believe nothing that the machines of these instances say, until they join anew with a token."""
    _order("RevokeNodeKey", which, stack)


def _order(
    operation: str,
    which: tuple[str, ...],
    stack: str | None,
    *,
    waiter: str = "",
    timeout: float = 0,
    **members: object,
) -> None:
    """One order for each; all names are looked up before the first is given."""
    server = Server.here()
    ids = server.ids("instance", which, stack) or []
    for id in ids:
        server(operation, InstanceId=id, **members)
    if waiter:
        watch.instances(server, ids, waiter, timeout=timeout)
