"""`toque token`: API tokens of people, and join tokens of machines."""

from __future__ import annotations

import click

from toque.cli.verbs.group import Verbs, of_stack, output, show_list
from toque.cli.verbs.server import Server

token = Verbs("token", "Tokens: API tokens of people, and join tokens with which machines come to a stack.")

_API = {"Label": "LABEL", "CreatedAt": "CREATED", "ExpiresAt": "EXPIRES", "LastUsedAt": "USED", "TokenId": "ID"}
_JOIN = {"TokenId": "ID", "UsesLeft": "USES", "ExpiresAt": "EXPIRES", "LayerIds": "LAYERS", "CreatedBy": "BY"}


@token.command("list")
@output
def list_(output: str) -> None:
    """List your API tokens, without the tokens themselves."""
    show_list("ApiTokens", Server.here().every("DescribeApiTokens", "ApiTokens"), _API, output)


@token.command()
@click.argument("label")
@click.option("--days", type=int, help="It ends after so many.")
def create(label: str, days: int | None) -> None:
    """Make an API token for yourself and print it; it is shown this once."""
    click.echo(Server.here()("CreateApiToken", Label=label, ExpiresInDays=days)["Token"])


@token.command()
@click.argument("id")
def delete(id: str) -> None:
    """Delete one of your API tokens."""
    Server.here()("DeleteApiToken", TokenId=id)


@token.command()
@of_stack
@click.option("--layer", "layers", multiple=True, help="The layers that the machine joins; may be given again.")
@click.option("--uses", type=int, help="How many machines may join with it; one where not given.")
@click.option("--minutes", type=int, help="How long it is good; an hour where not given.")
@click.option("--token-only", is_flag=True, help="Print the token, not the command to run.")
def join(stack: str, layers: tuple[str, ...], uses: int | None, minutes: int | None, token_only: bool) -> None:
    """Print the command with which a machine joins a stack."""
    server = Server.here()
    made = server(
        "CreateJoinToken",
        StackId=server.stack_id(stack),
        LayerIds=server.ids("layer", layers, stack),
        Uses=uses,
        ExpiresInMinutes=minutes,
    )
    click.echo(made["Token"] if token_only else made["EnrolCommand"])


@token.command("joins")
@of_stack
@output
def joins(stack: str, output: str) -> None:
    """List a stack's join tokens that can still be used."""
    server = Server.here()
    found = server.every("DescribeJoinTokens", "JoinTokens", StackId=server.stack_id(stack))
    show_list("JoinTokens", found, _JOIN, output)


@token.command()
@click.argument("id")
@of_stack
def revoke(id: str, stack: str) -> None:
    """Take a join token back; machines that have joined with it stay."""
    server = Server.here()
    server("RevokeJoinToken", StackId=server.stack_id(stack), TokenId=id)
