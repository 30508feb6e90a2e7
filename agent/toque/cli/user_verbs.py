"""`toque user …`: who there is, which policies they have, and why they may do something or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from toque.cli import declared
from toque.cli.connection import CallFailed, Connection, from_environment
from toque.cli.opsworks import REFUSED
from toque.cli.output import FORMS, table, written

_COLUMNS: Final = {"Name": "NAME", "Administrator": "ADMIN", "HasProfile": "PROFILE", "UserArn": "ARN"}

_output = click.option(
    "--output", type=click.Choice(FORMS), default="table", show_default=True, help="How to print the answer."
)
_name = click.argument("name")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def user() -> None:
    """List users, give them policies, and ask what they may do. NAME is a user's name or ARN."""


@user.command("list")
@_output
def list_users(output: str) -> None:
    """List users."""
    found = _carry(_users)
    if output == "table":
        rows = [[str(each[member]) for member in _COLUMNS] for each in found]
        click.echo(table(rows, list(_COLUMNS.values())))
    else:
        click.echo(written({"Users": found}, output))


@user.command()
@_name
@_output
def policies(name: str, output: str) -> None:
    """Show the policies of a user, with their documents where --output is not table."""
    answer = _carry(lambda connection: _call(connection, "describe-user-policies", UserArn=_arn(connection, name)))
    if output != "table":
        click.echo(written(answer, output))
        return
    rows = [
        [each["PolicyName"], "predefined" if "PolicyArn" in each else "own", str(each.get("UpdatedAt", "-"))]
        for each in answer["Policies"]
    ]
    click.echo(table(rows, ["NAME", "KIND", "SINCE"]))


@user.command("put-policy")
@_name
@click.argument("policy")
@click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def put_policy(name: str, policy: str, document: Path) -> None:
    """Give a user the policy in the file DOCUMENT (IAM's JSON) under the name POLICY."""
    text = document.read_text(encoding="utf-8")
    _change("put-user-policy", name, PolicyName=policy, PolicyDocument=text)


@user.command("delete-policy")
@_name
@click.argument("policy")
def delete_policy(name: str, policy: str) -> None:
    """Take a policy of his own from a user."""
    _change("delete-user-policy", name, PolicyName=policy)


@user.command("attach-policy")
@_name
@click.argument("policy")
def attach_policy(name: str, policy: str) -> None:
    """Attach a predefined policy, by its name or ARN."""
    _change("attach-user-policy", name, Policy=policy)


@user.command("detach-policy")
@_name
@click.argument("policy")
def detach_policy(name: str, policy: str) -> None:
    """Detach a predefined policy, by its name or ARN."""
    _change("detach-user-policy", name, Policy=policy)


@user.command()
@_name
@click.argument("action")
@click.option("--stack-id", help="On this stack; without it on none.")
def explain(name: str, action: str, stack_id: str | None) -> None:
    """Say whether a user may do ACTION, such as CreateLayer, and what decides."""

    def ask(connection: Connection) -> dict[str, Any]:
        where = {} if stack_id is None else {"StackId": stack_id}
        return _call(connection, "explain-access", Action=action, UserArn=_arn(connection, name), **where)

    click.echo(_carry(ask)["Explanation"])


def _change(operation: str, name: str, **members: str) -> None:
    _carry(lambda connection: _call(connection, operation, UserArn=_arn(connection, name), **members))


def _users(connection: Connection) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _call(connection, "describe-users")["Users"]
    return found


def _arn(connection: Connection, name: str) -> str:
    if name.startswith("arn:"):
        return name
    for each in _users(connection):
        if each["Name"] == name:
            return str(each["UserArn"])
    raise CallFailed("NotFound", f"there is no user called {name}: see `toque user list`")


def _call(connection: Connection, operation: str, **members: Any) -> dict[str, Any]:
    about = declared.operations()[operation]
    return connection.call(about["name"], about["target"], members)


def _carry(ask: Callable[[Connection], Any]) -> Any:
    try:
        return ask(from_environment())
    except CallFailed as error:
        click.echo(f"toque: {error.code}: {error}", err=True)
        raise SystemExit(REFUSED) from None
