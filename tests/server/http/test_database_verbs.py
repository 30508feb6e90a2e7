"""`toque database …` against the real application on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from click.testing import CliRunner, Result

from tests.server.http.serving import served
from tests.server.operations.calls import Caller
from toque.cli.group import toque
from toque_server.cli.init import first_administrator
from toque_server.operations.context import Services

SHOP = "arn:aws:rds:eu-west-1:123456789012:db:shop"
Run = Callable[..., Result]


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    token = first_administrator(services)["api_token"]
    with served(services) as url:
        monkeypatch.setenv("TOQUE_SERVER_URL", url)
        monkeypatch.setenv("TOQUE_API_TOKEN", token)
        yield lambda *arguments: CliRunner().invoke(toque, ["database", *arguments])


def test_08_4_a_database_is_added_listed_shown_registered_and_removed(run: Run, services: Services) -> None:
    root = Caller(services)
    stack = root.stack()

    added = run("add", SHOP, "--address", "db.example.org", "--port", "5432", "--engine", "postgres")

    assert (added.exit_code, added.output) == (0, "")
    head, row = run("list").output.splitlines()
    assert head.split() == ["NAME", "ENGINE", "ADDRESS", "PORT", "ARN"]
    assert row.split() == ["shop", "postgres", "db.example.org", "5432", SHOP]
    assert "db.example.org" in run("show", "shop").output
    root("RegisterRdsDbInstance", StackId=stack, RdsDbInstanceArn=SHOP, DbUser="u", DbPassword="p")
    assert root("DescribeRdsDbInstances", StackId=stack)["RdsDbInstances"][0]["Engine"] == "postgres"
    assert run("remove", SHOP).exit_code == 0
    assert len(run("list").output.splitlines()) == 1


def test_a_list_of_several_pages_is_listed_whole(run: Run, services: Services) -> None:
    root = Caller(services)
    for number in range(101):
        root("PutDatabase", RdsDbInstanceArn=f"{SHOP}-{number}", Address="x", Port=1, Engine="mysql")

    assert len(run("list").output.splitlines()) == 102


def test_what_is_wrong_is_said_with_an_exit_code(run: Run) -> None:
    unknown = run("remove", SHOP)
    no_arn = run("add", "shop", "--address", "x", "--port", "1", "--engine", "mysql")
    no_port = run("add", SHOP, "--address", "x", "--port", "0", "--engine", "mysql")

    assert (unknown.exit_code, no_arn.exit_code, no_port.exit_code) == (254, 254, 2)
    assert f"Unable to find {SHOP} in the directory of databases" in unknown.stderr
    assert "RdsDbInstanceArn 'shop' is not the ARN of a database instance, such as arn:" in no_arn.stderr
    assert "--port" in no_port.stderr
