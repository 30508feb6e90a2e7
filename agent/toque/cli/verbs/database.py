"""`toque database`: the directory of databases, which says where each is, by its ARN."""

from __future__ import annotations

from typing import Any

import click

from toque.cli.verbs.group import Verbs, output, show_list, show_one
from toque.cli.verbs.server import NotOne, Server

database = Verbs("database", "Databases: where each is that a stack can register, by its ARN.")

_COLUMNS = {
    "DbInstanceIdentifier": "NAME",
    "Engine": "ENGINE",
    "Address": "ADDRESS",
    "Port": "PORT",
    "RdsDbInstanceArn": "ARN",
}


@database.command("list")
@output
def list_(output: str) -> None:
    """List all databases of the directory."""
    show_list("Databases", _all(Server.here()), _COLUMNS, output)


@database.command()
@click.argument("which")
@output
def show(which: str, output: str) -> None:
    """Show one database, by its ARN or name: where it is, who said so, and which stack has it registered."""
    names = ("RdsDbInstanceArn", "DbInstanceIdentifier")
    found = [each for each in _all(Server.here()) if which in {each[name] for name in names}]
    if len(found) != 1:
        raise NotOne(f"{len(found) or 'no'} databases are called {which}; `toque database list` shows all ARNs")
    show_one(found[0], output)


@database.command()
@click.argument("arn")
@click.option("--address", required=True, help="Its host name or IP address.")
@click.option("--port", required=True, type=click.IntRange(1, 65535), help="The port it listens on.")
@click.option("--engine", required=True, help="What it is: mysql, mariadb, postgres, …")
def add(arn: str, address: str, port: int, engine: str) -> None:
    """Say where the database ARN is, such as arn:aws:rds:eu-west-1:123456789012:db:shop.

    A stack that registers it (`toque opsworks register-rds-db-instance`) looks here, that once. What stood here before
    is replaced.
    """
    Server.here()("PutDatabase", RdsDbInstanceArn=arn, Address=address, Port=port, Engine=engine)


@database.command()
@click.argument("arn")
def remove(arn: str) -> None:
    """Take the database ARN from the directory. A stack that has it registered keeps it."""
    Server.here()("DeleteDatabase", RdsDbInstanceArn=arn)


def _all(server: Server) -> list[dict[str, Any]]:
    """The whole directory, however many pages it has."""
    answer = server("DescribeDatabases")
    found: list[dict[str, Any]] = answer["Databases"]
    while "NextToken" in answer:
        answer = server("DescribeDatabases", NextToken=answer["NextToken"])
        found += answer["Databases"]
    return found
