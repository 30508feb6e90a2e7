"""`toque stack`: list, show, create, start, stop and delete stacks."""

from __future__ import annotations

import click

from toque.cli.verbs import watch
from toque.cli.verbs.group import Verbs, output, show_list, show_one, waits
from toque.cli.verbs.nouns import NOUNS
from toque.cli.verbs.server import Server
from toque.stackfile.model import PROFILE, ROLE

stack = Verbs(
    "stack",
    "Stacks: list, show, make and run them.",
    {name: f"toque.cli.stackfile:{name}" for name in ("export", "diff", "apply")},
)


@stack.command("list")
@output
def list_(output: str) -> None:
    """List the stacks that you may see."""
    about = NOUNS["stack"]
    show_list(about.records, Server.here()(about.operation)[about.records], about.columns, output)


@stack.command()
@click.argument("which")
@output
def show(which: str, output: str) -> None:
    """Show one stack, by its id or name, with how many instances are in which status."""
    server = Server.here()
    found = server.stack(which)
    counts = server("DescribeStackSummary", StackId=found["StackId"])["StackSummary"]
    numbers = {name: counts[name] for name in ("LayersCount", "AppsCount", "InstancesCount")}
    show_one({**found, **numbers}, output)


@stack.command()
@click.argument("name")
@click.option("--region", default="local", show_default=True, help="It picks the provider, and never changes.")
@click.option("--os", help="The operating system of its instances.")
@click.option("--cookbooks", metavar="URL", help="The git repository or archive of its own cookbooks.")
@click.option("--revision", help="Branch, tag or commit of the cookbooks.")
@click.option("--service-role", default=ROLE, help="Needed where a cloud is behind the region.")
@click.option("--instance-profile", default=PROFILE, help="Needed where a cloud is behind the region.")
def create(
    name: str,
    region: str,
    os: str | None,
    cookbooks: str | None,
    revision: str | None,
    service_role: str,
    instance_profile: str,
) -> None:
    """Make a stack; prints its id. Every other setting: `toque opsworks create-stack help`."""
    source = {"Type": "git", "Url": cookbooks} | ({"Revision": revision} if revision else {})
    made = Server.here()(
        "CreateStack",
        Name=name,
        Region=region,
        DefaultOs=os,
        ServiceRoleArn=service_role,
        DefaultInstanceProfileArn=instance_profile,
        UseCustomCookbooks=True if cookbooks else None,
        CustomCookbooksSource=source if cookbooks else None,
    )
    click.echo(made["StackId"])


@stack.command()
@click.argument("which")
def delete(which: str) -> None:
    """Delete a stack, which must be empty of instances, layers and apps."""
    server = Server.here()
    server("DeleteStack", StackId=server.stack_id(which))


@stack.command()
@click.argument("which")
@waits
def start(which: str, wait: bool, timeout: float) -> None:
    """Start every instance of a stack that runs 24/7."""
    _power("StartStack", "InstanceOnline", which, wait, timeout)


@stack.command()
@click.argument("which")
@waits
def stop(which: str, wait: bool, timeout: float) -> None:
    """Stop every instance of a stack."""
    _power("StopStack", "InstanceStopped", which, wait, timeout)


def _power(operation: str, waiter: str, which: str, wait: bool, timeout: float) -> None:
    server = Server.here()
    id = server.stack_id(which)
    before = {each["InstanceId"]: each["Status"] for each in server("DescribeInstances", StackId=id)["Instances"]}
    server(operation, StackId=id)
    if wait:
        after = server("DescribeInstances", StackId=id)["Instances"]
        moved = [each["InstanceId"] for each in after if each["Status"] != before.get(each["InstanceId"])]
        watch.instances(server, moved, waiter, timeout=timeout)
