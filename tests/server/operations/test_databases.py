from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.domain.world import DatabaseOf
from toque_server.operations.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    ValidationException,
)
from toque_server.store import configures, world

FILTERED = "*****FILTERED*****"
SHOP = "arn:aws:rds:eu-west-1:123456789012:db:shop"
BLOG = "arn:aws:rds:eu-west-1:123456789012:db:blog"


def register(root: Caller, stack: str, arn: str = SHOP, **members: Any) -> None:
    given = {"StackId": stack, "RdsDbInstanceArn": arn, "DbUser": "admin", "DbPassword": "pass-1"}
    assert root("RegisterRdsDbInstance", **given | members) == {}


def put(root: Caller, arn: str = SHOP, **members: Any) -> None:
    given = {"RdsDbInstanceArn": arn, "Address": "db.example.org", "Port": 3306, "Engine": "mysql"}
    assert root("PutDatabase", **given | members) == {}


def described(root: Caller, stack: str, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = root("DescribeRdsDbInstances", StackId=stack, **more)["RdsDbInstances"]
    return found


def on_node(root: Caller, stack: str) -> tuple[DatabaseOf, ...]:
    """The stack's databases as its nodes get them."""
    with root.services.database.read() as conn:
        found = world.load(conn, root.services.vault, stack, account_id="123456789012")
    assert found is not None
    return found.databases


def source(arn: str, **more: Any) -> list[dict[str, Any]]:
    return [{"Type": "RdsDbInstance", "Arn": arn} | more]


def test_08_8_and_02_28_a_registered_database_is_described_with_its_password_filtered(root_on_either: Caller) -> None:
    root = root_on_either
    put(root)
    stack = root.stack()

    register(root, stack)

    assert described(root, stack) == [
        {
            "RdsDbInstanceArn": SHOP,
            "DbInstanceIdentifier": "shop",
            "DbUser": "admin",
            "DbPassword": FILTERED,
            "Region": "eu-west-1",
            "Address": "db.example.org",
            "Engine": "mysql",
            "StackId": stack,
            "MissingOnRds": False,
        }
    ]
    assert [(each.address, each.port, each.password) for each in on_node(root, stack)] == [
        ("db.example.org", 3306, "pass-1")
    ]


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"DbPassword": ""}, "DbPassword is required"),
        ({"DbPassword": None}, "DbPassword is required"),
        ({"DbUser": ""}, "DbUser is required"),
        ({"DbPassword": FILTERED}, "send the password itself"),
        ({"DbPassword": "a\nb"}, "DbPassword has characters that cannot be printed"),
        ({"DbUser": "u" * 256}, "DbUser has 256 characters, at most 255"),
        ({"RdsDbInstanceArn": "shop"}, r"RdsDbInstanceArn 'shop' is not the ARN of a database instance, such as arn:"),
        ({"RdsDbInstanceArn": "arn:aws:rds:eu-west-1:123456789012:cluster:shop"}, "not the ARN of a database"),
        ({"RdsDbInstanceArn": SHOP + "/../x"}, "not the ARN of a database"),
    ],
    ids=["empty", "null", "no user", "filtered", "line end", "long", "no arn", "cluster", "path"],
)
def test_08_8_what_cannot_be_registered(root: Caller, members: dict[str, Any], why: str) -> None:
    stack = root.stack()

    with pytest.raises(ValidationException, match=why):
        register(root, stack, **members)
    assert described(root, stack) == []


def test_l_16_an_unknown_arn_is_registered_as_missing_and_looked_up_this_once(root: Caller) -> None:
    stack = root.stack()
    register(root, stack)
    put(root)

    (missing,) = described(root, stack)
    assert missing["MissingOnRds"] is True
    assert "Address" not in missing and "Engine" not in missing

    root("DeregisterRdsDbInstance", RdsDbInstanceArn=SHOP)
    register(root, stack)
    assert described(root, stack)[0]["MissingOnRds"] is False


def test_02_27_a_database_belongs_to_one_stack(root_on_either: Caller) -> None:
    root = root_on_either
    one, other = root.stack(), root.stack(Name="other")
    register(root, one)

    with pytest.raises(ValidationException, match="registered with another stack.*deregister it there first"):
        register(root, other)
    with pytest.raises(ValidationException, match="registered with this stack already: UpdateRdsDbInstance"):
        register(root, one)
    root("DeregisterRdsDbInstance", RdsDbInstanceArn=SHOP)
    register(root, other)
    assert (described(root, one), len(described(root, other))) == ([], 1)


def test_01_26_deleting_a_stack_frees_its_database_and_its_cluster(root_on_either: Caller) -> None:
    root = root_on_either
    one, other = root.stack(), root.stack(Name="other")
    cluster = "arn:aws:ecs:eu-west-1:123456789012:cluster/c1"
    register(root, one)
    root("RegisterEcsCluster", EcsClusterArn=cluster, StackId=one)

    root("DeleteStack", StackId=one)

    register(root, other)
    root("RegisterEcsCluster", EcsClusterArn=cluster, StackId=other)


def test_05_29_and_02_29_an_update_runs_nothing_and_is_there_for_the_next_command(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    instance = root.instance(stack, layer)
    root.bring_online(instance)
    register(root, stack)
    app = root.app(stack, DataSources=source(SHOP))

    root("UpdateRdsDbInstance", RdsDbInstanceArn=SHOP, DbPassword="pass-2")

    with root.services.database.read() as conn:
        assert configures.get(conn, stack) is None
    assert root("DescribeCommands", InstanceId=instance)["Commands"] == []
    assert root("DescribeDeployments", AppId=app)["Deployments"] == []
    assert [each.password for each in on_node(root, stack)] == ["pass-2"]


def test_an_update_changes_what_it_names_and_nothing_else(root: Caller) -> None:
    put(root)
    stack = root.stack()
    register(root, stack)

    root("UpdateRdsDbInstance", RdsDbInstanceArn=SHOP, DbUser="another")
    root("UpdateRdsDbInstance", RdsDbInstanceArn=SHOP, DbPassword=FILTERED)

    (seen,) = on_node(root, stack)
    assert (seen.user, seen.password, seen.address) == ("another", "pass-1", "db.example.org")
    with pytest.raises(ValidationException, match="cannot be printed"):
        root("UpdateRdsDbInstance", RdsDbInstanceArn=SHOP, DbPassword="a\x1bb")
    with pytest.raises(ResourceNotFoundException, match=BLOG):
        root("UpdateRdsDbInstance", RdsDbInstanceArn=BLOG, DbUser="x")


def test_08_9_and_02_30_a_database_that_apps_use_stays_and_the_apps_are_named(root: Caller) -> None:
    stack = root.stack()
    register(root, stack)
    shop = root.app(stack, Name="Shop", DataSources=source(SHOP))
    root.app(stack, Name="Blog", DataSources=source(SHOP, DatabaseName="blog"))

    with pytest.raises(ValidationException, match=r"data source of Shop, Blog: please give them another one, or None"):
        root("DeregisterRdsDbInstance", RdsDbInstanceArn=SHOP)
    root("UpdateApp", AppId=shop, DataSources=[{"Type": "None"}])
    with pytest.raises(ValidationException, match="data source of Blog:"):
        root("DeregisterRdsDbInstance", RdsDbInstanceArn=SHOP)
    blog = next(each["AppId"] for each in root("DescribeApps", StackId=stack)["Apps"] if each["Name"] == "Blog")
    root("DeleteApp", AppId=blog)

    root("DeregisterRdsDbInstance", RdsDbInstanceArn=SHOP)
    with pytest.raises(ResourceNotFoundException):
        root("DeregisterRdsDbInstance", RdsDbInstanceArn=SHOP)


def test_arns_narrow_a_describe_and_must_be_the_stack_s(root: Caller) -> None:
    one, other = root.stack(), root.stack(Name="other")
    register(root, one)
    register(root, one, BLOG)
    foreign = SHOP.replace("shop", "foreign")
    register(root, other, foreign)

    assert [each["RdsDbInstanceArn"] for each in described(root, one)] == [BLOG, SHOP]
    assert [each["RdsDbInstanceArn"] for each in described(root, one, RdsDbInstanceArns=[SHOP])] == [SHOP]
    assert described(root, one, RdsDbInstanceArns=[]) == described(root, one)
    with pytest.raises(ResourceNotFoundException, match=f"{foreign} in stack {one}"):
        described(root, one, RdsDbInstanceArns=[SHOP, foreign])
    with pytest.raises(ValidationException, match="StackId is required"):
        root("DescribeRdsDbInstances", RdsDbInstanceArns=[SHOP])


def test_s12_the_password_of_a_database_stands_nowhere_in_clear(root: Caller) -> None:
    stack = root.stack()
    register(root, stack, DbPassword="s3cret-of-the-shop")
    root("UpdateRdsDbInstance", RdsDbInstanceArn=SHOP, DbPassword="n3w-s3cret-of-the-shop")

    with root.services.database.read() as conn:
        raw = conn.connection.cursor()
        tables = [name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        stored = str([raw.execute(f"SELECT * FROM {name}").fetchall() for name in tables])
    assert SHOP in stored
    assert "s3cret-of-the-shop" not in stored
    assert "s3cret" not in str(described(root, stack))


def test_07_the_actions_ask_for_manage(root: Caller) -> None:
    stack = root.stack()
    register(root, stack)
    stranger = root.as_user("stranger")

    for action in ("UpdateRdsDbInstance", "DeregisterRdsDbInstance"):
        with pytest.raises(AccessDeniedException):
            stranger(action, RdsDbInstanceArn=SHOP)
        with pytest.raises(AccessDeniedException):
            stranger(action, RdsDbInstanceArn=BLOG)
    with pytest.raises(AccessDeniedException):
        register(stranger, stack, BLOG)
    with pytest.raises(AccessDeniedException):
        described(stranger, stack)


# -- the directory ------------------------------------------------------------------------------------------------------


def listed(root: Caller, **members: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = root("DescribeDatabases", **members)["Databases"]
    return found


def test_08_4_the_directory_says_where_databases_are_and_which_stack_has_them(root_on_either: Caller) -> None:
    root = root_on_either
    put(root)
    put(root, BLOG, Address="10.0.0.7", Port=5432, Engine="postgres")
    put(root, SHOP, Address="db2.example.org")
    stack = root.stack()
    register(root, stack)

    blog, shop = listed(root)
    assert (blog["DbInstanceIdentifier"], blog["Address"], blog["Port"]) == ("blog", "10.0.0.7", 5432)
    assert (shop["Address"], shop["StackId"], "StackId" in blog) == ("db2.example.org", stack, False)
    assert listed(root, RdsDbInstanceArns=[SHOP]) == [shop]


def test_what_a_stack_found_stays_when_the_directory_changes(root: Caller) -> None:
    put(root)
    stack = root.stack()
    register(root, stack)

    put(root, Address="elsewhere.example.org")
    assert described(root, stack)[0]["Address"] == "db.example.org"
    root("DeleteDatabase", RdsDbInstanceArn=SHOP)

    assert described(root, stack)[0]["Address"] == "db.example.org"
    assert listed(root) == []
    with pytest.raises(ResourceNotFoundException, match=SHOP):
        root("DeleteDatabase", RdsDbInstanceArn=SHOP)
    with pytest.raises(ResourceNotFoundException, match=SHOP):
        listed(root, RdsDbInstanceArns=[SHOP])


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"arn": "shop"}, "RdsDbInstanceArn 'shop' is not the ARN"),
        ({"Address": "a b"}, "Address 'a b' is neither a host name nor an IP address"),
        ({"Address": "http://db"}, "neither a host name"),
        ({"Address": "db:3306"}, "neither a host name"),
        ({"Address": "a" * 254}, "neither a host name"),
        ({"Port": 0}, "Port must be 1 to 65535, not 0"),
        ({"Port": 65536}, "Port must be 1 to 65535"),
        ({"Port": "3306"}, "Port must be an integer"),
        ({"Engine": "My SQL"}, "Engine 'My SQL' is not an engine"),
    ],
    ids=["arn", "blank", "url", "port in address", "long", "zero", "large", "text", "engine"],
)
def test_what_the_directory_refuses(root: Caller, members: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationException, match=why):
        put(root, **members)
    assert listed(root) == []


def test_an_address_may_be_a_number_of_either_kind(root: Caller) -> None:
    put(root, Address="10.1.2.3")
    put(root, Address="fd00::1")

    assert listed(root)[0]["Address"] == "fd00::1"


def test_only_administrators_see_and_change_the_directory(root: Caller) -> None:
    put(root)
    stranger = root.as_user("stranger")

    for action, members in (
        ("PutDatabase", {"RdsDbInstanceArn": SHOP, "Address": "x", "Port": 1, "Engine": "mysql"}),
        ("DeleteDatabase", {"RdsDbInstanceArn": SHOP}),
        ("DescribeDatabases", {}),
    ):
        with pytest.raises(AccessDeniedException):
            stranger(action, **members)


def test_the_directory_is_listed_in_pages(root: Caller) -> None:
    for number in range(5):
        put(root, f"{SHOP}{number}")

    first = root("DescribeDatabases", MaxResults=2)
    second = root("DescribeDatabases", MaxResults=2, NextToken=first["NextToken"])
    root("DeleteDatabase", RdsDbInstanceArn=f"{SHOP}3")
    third = root("DescribeDatabases", MaxResults=2, NextToken=second["NextToken"])

    pages = [[each["DbInstanceIdentifier"] for each in page["Databases"]] for page in (first, second, third)]
    assert pages == [["shop0", "shop1"], ["shop2", "shop3"], ["shop4"]]
    assert "NextToken" not in third
