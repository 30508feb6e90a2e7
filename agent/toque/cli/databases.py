"""`toque database add|list|show|remove`: the directory of databases, which says where each is, by its ARN."""

from __future__ import annotations

from typing import Any

import click

from toque.cli import declared, verbs
from toque.cli.connection import from_environment

database = verbs.group("database")


def _call(operation: str, members: dict[str, Any]) -> None:
    about = declared.operations()[operation]
    verbs.carry(lambda: from_environment().call(about["name"], about["target"], members))


@database.command("add")
@click.argument("arn")
@click.option("--address", required=True, help="Its host name or IP address.")
@click.option("--port", required=True, type=click.IntRange(1, 65535), help="The port it listens on.")
@click.option("--engine", required=True, help="What it is: mysql, mariadb, postgres, …")
def add(arn: str, address: str, port: int, engine: str) -> None:
    """Say where the database ARN is, such as arn:aws:rds:eu-west-1:123456789012:db:shop.

    A stack that registers it (`toque opsworks register-rds-db-instance`) looks here, that once. What stood here before
    is replaced.
    """
    _call("put-database", {"RdsDbInstanceArn": arn, "Address": address, "Port": port, "Engine": engine})


@database.command("remove")
@click.argument("arn")
def remove(arn: str) -> None:
    """Take the database ARN from the directory. A stack that has it registered keeps it."""
    _call("delete-database", {"RdsDbInstanceArn": arn})
