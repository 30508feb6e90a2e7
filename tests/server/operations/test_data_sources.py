from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import ValidationException

SHOP = "arn:aws:rds:eu-west-1:123456789012:db:shop"
FOREIGN = "arn:aws:rds:eu-west-1:123456789012:db:foreign"


def register(root: Caller, stack: str, arn: str = SHOP) -> None:
    root("RegisterRdsDbInstance", StackId=stack, RdsDbInstanceArn=arn, DbUser="u", DbPassword="pass")


def sources(root: Caller, app: str) -> Any:
    return root("DescribeApps", AppIds=[app])["Apps"][0]["DataSources"]


def rds(arn: str) -> list[dict[str, Any]]:
    return [{"Type": "RdsDbInstance", "Arn": arn}]


def test_05_section_5_a_database_must_be_registered_with_the_app_s_own_stack(root: Caller) -> None:
    stack = root.stack()
    register(root, stack)
    register(root, root.stack(Name="other"), FOREIGN)

    for wrong in (FOREIGN, FOREIGN + "-unknown"):
        with pytest.raises(ValidationException, match=f"{wrong} is not registered with the stack, which has {SHOP}"):
            root.app(stack, DataSources=rds(wrong))
    app = root.app(stack, DataSources=rds(SHOP))
    with pytest.raises(ValidationException, match="please send RegisterRdsDbInstance first"):
        root("UpdateApp", AppId=app, DataSources=rds(FOREIGN))
    assert sources(root, app) == rds(SHOP)


def test_02_30_none_detaches_and_other_changes_leave_the_source(root: Caller) -> None:
    stack = root.stack()
    register(root, stack)
    app = root.app(stack, DataSources=rds(SHOP))

    root("UpdateApp", AppId=app, Name="Another")
    assert sources(root, app) == rds(SHOP)
    root("UpdateApp", AppId=app, DataSources=[{"Type": "None"}])
    assert sources(root, app) == [{"Type": "None"}]
    root("UpdateApp", AppId=app, DataSources=[])
    assert sources(root, app) == []


def test_05_section_5_a_mysql_instance_must_be_one_of_the_stack_s_mysql_layer(root: Caller) -> None:
    stack = root.stack()
    mysql = root.layer(stack, "db", Type="db-master", Attributes={"MysqlRootPassword": "hush"})
    server, other = root.instance(stack, mysql), root.instance(stack, root.layer(stack))
    arn, wrong = (root("DescribeInstances", InstanceIds=[id])["Instances"][0]["Arn"] for id in (server, other))

    def source(arn: str) -> list[dict[str, Any]]:
        return [{"Type": "OpsworksMysqlInstance", "Arn": arn}]

    app = root.app(stack, DataSources=source(arn.removesuffix("/")))

    assert sources(root, app) == source(arn)
    for not_mysql in (wrong, "web1", SHOP):
        with pytest.raises(ValidationException, match=f"is no instance of the stack's MySQL layer, which has {arn}"):
            root("UpdateApp", AppId=app, DataSources=source(not_mysql))


def test_an_app_whose_mysql_instance_is_gone_can_still_be_changed(root: Caller) -> None:
    stack = root.stack()
    mysql = root.layer(stack, "db", Type="db-master", Attributes={"MysqlRootPassword": "hush"})
    server = root.instance(stack, mysql)
    arn = root("DescribeInstances", InstanceIds=[server])["Instances"][0]["Arn"]
    app = root.app(stack, DataSources=[{"Type": "OpsworksMysqlInstance", "Arn": arn}])
    root("DeleteInstance", InstanceId=server)

    root("UpdateApp", AppId=app, Name="Another", DataSources=sources(root, app))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([{"Type": "Oracle"}], "the type 'Oracle' is unknown"),
        ([{}], "the type None is unknown"),
        ([{"Type": "RdsDbInstance"}], "needs its Arn"),
        ([{"Type": "OpsworksMysqlInstance", "Arn": ""}], "needs its Arn"),
        ([*rds(SHOP), {"Type": "AutoSelectOpsworksMysqlInstance"}], "at most one database"),
    ],
    ids=["type", "no type", "no arn", "empty arn", "two"],
)
def test_what_no_data_source_may_be(root: Caller, given: list[dict[str, Any]], why: str) -> None:
    stack = root.stack()
    register(root, stack)

    with pytest.raises(ValidationException, match=f"DataSources.*{why}"):
        root.app(stack, DataSources=given)
