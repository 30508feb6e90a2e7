"""The policies of users: `toque user policies`, `put-policy`, `attach-policy`, …; and why one may do something."""

from __future__ import annotations

from pathlib import Path

import click

from toque.cli.output import written
from toque.cli.verbs.group import Verbs, in_stack, output, show_list
from toque.cli.verbs.server import Server

_COLUMNS = {"PolicyName": "NAME", "Kind": "KIND", "UpdatedAt": "SINCE"}

_which = click.argument("which")


def add_policies(user: Verbs) -> None:
    """The verbs, on the group of users. WHICH is a user's name or ARN."""
    for verb in (policies, put_policy, delete_policy, attach_policy, detach_policy, explain):
        user.add_command(verb)


@click.command()
@_which
@output
def policies(which: str, output: str) -> None:
    """Show the policies of a user, with their documents where --output is not table."""
    server = Server.here()
    answer = server("DescribeUserPolicies", UserArn=server.user(which)["UserArn"])
    if output != "table":
        click.echo(written(answer, output))
        return
    rows = [{**each, "Kind": "predefined" if "PolicyArn" in each else "own"} for each in answer["Policies"]]
    show_list("Policies", rows, _COLUMNS, output)


@click.command("put-policy")
@_which
@click.argument("policy")
@click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def put_policy(which: str, policy: str, document: Path) -> None:
    """Give a user the policy in the file DOCUMENT (IAM's JSON) under the name POLICY."""
    text = document.read_text(encoding="utf-8")
    _change("PutUserPolicy", which, PolicyName=policy, PolicyDocument=text)


@click.command("delete-policy")
@_which
@click.argument("policy")
def delete_policy(which: str, policy: str) -> None:
    """Take a policy of his own from a user."""
    _change("DeleteUserPolicy", which, PolicyName=policy)


@click.command("attach-policy")
@_which
@click.argument("policy")
def attach_policy(which: str, policy: str) -> None:
    """Attach a predefined policy, by its name or ARN."""
    _change("AttachUserPolicy", which, Policy=policy)


@click.command("detach-policy")
@_which
@click.argument("policy")
def detach_policy(which: str, policy: str) -> None:
    """Detach a predefined policy, by its name or ARN."""
    _change("DetachUserPolicy", which, Policy=policy)


@click.command()
@_which
@click.argument("action")
@in_stack
@click.option("--stack-id", hidden=True)
def explain(which: str, action: str, stack: str | None, stack_id: str | None) -> None:
    """Say whether a user may do ACTION, such as CreateLayer, and what decides; on a stack, or without one on none."""
    server = Server.here()
    on = stack_id or (server.stack_id(stack) if stack else None)
    found = server("ExplainAccess", Action=action, UserArn=server.user(which)["UserArn"], StackId=on)
    click.echo(found["Explanation"])


def _change(operation: str, which: str, **members: str) -> None:
    server = Server.here()
    server(operation, UserArn=server.user(which)["UserArn"], **members)
