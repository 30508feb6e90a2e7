"""`toque user …`: which policies a user has, and why he may do something or not."""

from __future__ import annotations

from pathlib import Path

import click

from toque.cli.verbs.group import in_stack, output, show_list
from toque.cli.verbs.server import Server

_COLUMNS = {"PolicyName": "NAME", "PolicyArn": "PREDEFINED", "UpdatedAt": "SINCE"}


@click.command()
@click.argument("which")
@output
def policies(which: str, output: str) -> None:
    """List the policies of a user, with their documents where --output is not table."""
    server = Server.here()
    found = server("DescribeUserPolicies", UserArn=server.user(which)["UserArn"])["Policies"]
    show_list("Policies", found, _COLUMNS, output)


@click.command("put-policy")
@click.argument("which")
@click.argument("policy")
@click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def put_policy(which: str, policy: str, document: Path) -> None:
    """Give a user the policy in the file DOCUMENT (IAM's JSON) under the name POLICY."""
    text = document.read_text(encoding="utf-8")
    _change("PutUserPolicy", which, PolicyName=policy, PolicyDocument=text)


@click.command("delete-policy")
@click.argument("which")
@click.argument("policy")
def delete_policy(which: str, policy: str) -> None:
    """Take a policy of his own from a user."""
    _change("DeleteUserPolicy", which, PolicyName=policy)


@click.command("attach-policy")
@click.argument("which")
@click.argument("policy")
def attach_policy(which: str, policy: str) -> None:
    """Attach a predefined policy, by its name or ARN."""
    _change("AttachUserPolicy", which, Policy=policy)


@click.command("detach-policy")
@click.argument("which")
@click.argument("policy")
def detach_policy(which: str, policy: str) -> None:
    """Detach a predefined policy, by its name or ARN."""
    _change("DetachUserPolicy", which, Policy=policy)


@click.command()
@click.argument("which")
@click.argument("action")
@in_stack
def explain(which: str, action: str, stack: str | None) -> None:
    """Say whether a user may do ACTION, such as CreateLayer, on a stack or on none, and what decides."""
    server = Server.here()
    where = None if stack is None else server.stack_id(stack)
    asked = server("ExplainAccess", Action=action, UserArn=server.user(which)["UserArn"], StackId=where)
    click.echo(asked["Explanation"])


def _change(operation: str, which: str, **members: str) -> None:
    server = Server.here()
    server(operation, UserArn=server.user(which)["UserArn"], **members)
