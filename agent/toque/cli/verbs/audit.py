"""`toque audit`: who did what, and who was refused."""

from __future__ import annotations

import click

from toque.cli.verbs.group import Verbs, in_stack, output, show_list
from toque.cli.verbs.server import Server

audit = Verbs("audit", "The audit: who did what, and who was refused.")

_COLUMNS = {"EventTime": "AT", "UserArn": "WHO", "EventName": "WHAT", "ErrorCode": "REFUSED", "StackId": "STACK"}
_OLDEST = 1000


@audit.command("list")
@in_stack
@click.option("--user", help="Only by this user, by his name or ARN.")
@click.option("--action", help="Only this operation: CreateLayer.")
@click.option("--since", help="From then on: 2026-11-22T08:00:00Z.")
@click.option("--until", help="Before then.")
@click.option("--refused", is_flag=True, help="Only what was refused.")
@click.option("--max", "most", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@output
def list_(
    stack: str | None,
    user: str | None,
    action: str | None,
    since: str | None,
    until: str | None,
    refused: bool,
    most: int,
    output: str,
) -> None:
    """List changes and refusals, newest first."""
    server = Server.here()
    found = server.every(
        "DescribeAuditEvents",
        "Events",
        most=most,
        StackId=server.stack_id(stack) if stack else None,
        UserArn=user if user is None or user.startswith("arn:") else server.user(user)["UserArn"],
        Action=action,
        Since=since,
        Until=until,
        DeniedOnly=refused or None,
        MaxResults=min(most, _OLDEST),
    )
    show_list("Events", found, _COLUMNS, output)
