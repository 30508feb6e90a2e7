from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from toque_server.domain.data_sources import database_of, mysql_databases, passwords_seen
from toque_server.domain.world import AppOf, DatabaseOf, DataSource, InstanceOf

AT = datetime(2030, 1, 1, tzinfo=UTC)
REGISTERED = DatabaseOf(arn="rds-1", identifier="one")


def instance(id: str, *layer_ids: str, status: str = "online", age: int = 0) -> InstanceOf:
    born = AT - timedelta(minutes=age)
    return InstanceOf(
        id=id, hostname=f"host-{id}", layer_ids=layer_ids, status=status, created_at=born, private_ip=f"ip-{id}"
    )


def mysql(*instances: InstanceOf) -> tuple[DatabaseOf, ...]:
    return mysql_databases(instances, {"db": "hush"}, {each.id: f"arn-{each.id}" for each in instances}, "eu")


def app(id: str, *sources: DataSource) -> AppOf:
    return AppOf(id=id, name=id, shortname=id, type="other", data_sources=sources)


PICKED = DataSource(type="AutoSelectOpsworksMysqlInstance")


def test_05_section_5_an_instance_of_the_mysql_layer_is_a_database_with_root_s_password() -> None:
    (found,) = mysql(instance("a", "app"), instance("b", "app", "db"))

    assert (found.arn, found.address, found.port, found.user, found.password) == (
        "arn-b",
        "ip-b",
        3306,
        "root",
        "hush",
    )
    assert not found.registered


def test_05_section_5_the_oldest_that_is_not_down_is_picked() -> None:
    found = mysql(
        instance("young", "db", age=1), instance("old", "db", age=9), instance("off", "db", status="stopped", age=99)
    )

    picked = database_of(PICKED, (REGISTERED, *found))

    assert picked is not None
    assert picked.arn == "arn-old"


@pytest.mark.parametrize("status", ["connection_lost", "rebooting", "running_setup", "setup_failed", "requested"])
def test_a_database_that_is_away_for_a_while_is_not_exchanged_for_another(status: str) -> None:
    """Each MySQL instance has its own data (02 § 6): an app must not wander while one is healed."""
    found = mysql(instance("young", "db", age=1), instance("old", "db", status=status, age=9))

    assert [each.arn for each in found] == ["arn-old", "arn-young"]


def test_05_section_5_a_source_means_a_database_of_its_own_kind() -> None:
    databases = (REGISTERED, *mysql(instance("a", "db")))

    def meant(type: str, arn: str | None = None) -> str | None:
        found = database_of(DataSource(type=type, arn=arn), databases)
        return found and found.arn

    assert meant("RdsDbInstance", "rds-1") == "rds-1"
    assert meant("RdsDbInstance", "arn-a") is None
    assert meant("OpsworksMysqlInstance", "arn-a") == "arn-a"
    assert meant("OpsworksMysqlInstance", "rds-1") is None
    assert meant("None", "rds-1") is None
    assert database_of(PICKED, (REGISTERED,)) is None


def test_ruling_16_passwords_of_the_own_apps_and_of_what_no_app_uses() -> None:
    own, others, spare = (DatabaseOf(arn=arn, identifier=arn) for arn in ("own", "others", "spare"))
    shop = app("shop", DataSource(type="RdsDbInstance", arn="own"))
    blog = app("blog", DataSource(type="RdsDbInstance", arn="others"))
    databases = (own, others, spare, *mysql(instance("a", "db")))

    assert passwords_seen([shop, blog], [shop], databases) == [own, spare]
    assert passwords_seen([shop, blog], [], databases) == [spare]
    assert passwords_seen([], [], databases) == [own, others, spare]
