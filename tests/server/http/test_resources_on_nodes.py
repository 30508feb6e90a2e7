"""Balancers, databases and clusters on their way from an operation to the bags of a node (chapters 05 § 5 and 06 § 3)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from tests.fakes.agents import Agent
from tests.server.http.fleet import Fleet
from tests.server.operations.calls import Caller
from toque.daemon.snapshot import build_snapshot
from toque.protocol.keys import from_text
from toque.protocol.messages import (
    MANIFEST_PATH,
    PARTS_PATH,
    Manifest,
    ManifestRequest,
    PartsAnswer,
    PartsRequest,
    SignedObject,
)
from toque_server.domain.actions import KeepAddresses
from toque_server.store import actions, instances

SHOP = "arn:aws:rds:eu-west-1:123456789012:db:shop"
SPARE = "arn:aws:rds:eu-west-1:123456789012:db:spare"
CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/c1"
RDS_BAG = "aws_opsworks_rds_db_instance"


@pytest.fixture
def root(fleet: Fleet) -> Caller:
    fleet.stack("s")
    return Caller(fleet.services)


class Run:
    """What one node is told with its next command: `bags` as recipes see them, `public` as all nodes may read them."""

    def __init__(self, fleet: Fleet, agent: Agent) -> None:
        fleet.app.hub.look()
        envelope = agent.open(agent.poll())
        assert envelope is not None
        data = agent.data(envelope)
        signed = agent.post(MANIFEST_PATH, ManifestRequest(envelope.manifest_version)).as_(SignedObject)
        names = msgspec.json.decode(from_text(signed.payload), type=Manifest).parts
        bodies = agent.post(PARTS_PATH, PartsRequest(tuple(names.values()))).as_(PartsAnswer).parts
        self.public = {name: msgspec.json.decode(bodies[digest]) for name, digest in names.items()}
        self.bags: dict[str, dict[str, Any]] = build_snapshot(self.public, data, envelope.instance_id)["bags"]
        self.masked = data.masked
        agent.acknowledge(envelope)
        assert agent.finish(envelope).status == 200


def deploy(root: Caller, fleet: Fleet, agent: Agent, app: str) -> Run:
    root("CreateDeployment", StackId="s", AppId=app, Command={"Name": "deploy"})
    return Run(fleet, agent)


def register(root: Caller, arn: str = SHOP, password: str = "pass-of-shop") -> None:
    root("PutDatabase", RdsDbInstanceArn=arn, Address="db.example.org", Port=5432, Engine="postgres")
    root("RegisterRdsDbInstance", StackId="s", RdsDbInstanceArn=arn, DbUser="admin", DbPassword=password)


def custom_json(app: str, **database: Any) -> str:
    return json.dumps({"deploy": {app: {"database": database}}})


def name_of(arn: str) -> str:
    return arn.replace(":", "_")


def test_02_28_and_05_28_a_deploy_has_the_connection_of_the_app_s_database(fleet: Fleet, root: Caller) -> None:
    agent = fleet.instance("s", "web1")
    register(root)
    sources = [{"Type": "RdsDbInstance", "Arn": SHOP, "DatabaseName": "orders"}]
    shop = root.app("s", Name="Shop", DataSources=sources)
    root.app("s", Name="Plain")

    run = deploy(root, fleet, agent, shop)

    assert run.bags["aws_opsworks_app"]["shop"]["database"] == {
        "host": "db.example.org",
        "port": 5432,
        "database": "orders",
        "username": "admin",
        "password": "pass-of-shop",
        "adapter": "postgres",
        "type": "postgresql",
        "data_source_provider": "rds",
        "reconnect": True,
    }
    assert run.bags["aws_opsworks_app"]["plain"]["database"] == {}
    assert "pass-of-shop" in run.masked


def test_06_16_and_06_17_the_item_of_a_database_is_named_by_its_arn_and_complete_on_the_node(
    fleet: Fleet, root: Caller
) -> None:
    agent = fleet.instance("s", "web1")
    register(root)
    fleet.command("web1", "configure")

    run = Run(fleet, agent)

    assert run.bags[RDS_BAG] == {
        "arn_aws_rds_eu-west-1_123456789012_db_shop": {
            "id": "arn_aws_rds_eu-west-1_123456789012_db_shop",
            "rds_db_instance_arn": SHOP,
            "db_instance_identifier": "shop",
            "address": "db.example.org",
            "port": 5432,
            "engine": "postgres",
            "db_user": "admin",
            "db_password": "pass-of-shop",
            "region": "eu-west-1",
            "missing_on_rds": False,
        }
    }
    assert "pass-of-shop" not in str(run.public)


def test_05_29_and_02_29_a_new_password_comes_with_the_next_deploy(fleet: Fleet, root: Caller) -> None:
    agent = fleet.instance("s", "web1")
    register(root)
    app = root.app("s", Name="Shop", DataSources=[{"Type": "RdsDbInstance", "Arn": SHOP}])
    deploy(root, fleet, agent, app)

    root("UpdateRdsDbInstance", RdsDbInstanceArn=SHOP, DbUser="other", DbPassword="next-pass")
    fleet.app.hub.look()
    assert agent.poll().command is None

    run = deploy(root, fleet, agent, app)
    database = run.bags["aws_opsworks_app"]["shop"]["database"]
    assert (database["username"], database["password"]) == ("other", "next-pass")
    assert run.bags[RDS_BAG][name_of(SHOP)]["db_password"] == "next-pass"


def test_05_30_custom_json_goes_over_single_keys_of_the_connection(fleet: Fleet, root: Caller) -> None:
    agent = fleet.instance("s", "web1")
    register(root)
    app = root.app("s", Name="Shop", DataSources=[{"Type": "RdsDbInstance", "Arn": SHOP}])
    root("UpdateStack", StackId="s", CustomJson=custom_json("shop", host="replica.example.org", port=1))
    root("UpdateLayer", LayerId="s-app", CustomJson=custom_json("shop", port=6543, password="of-the-replica"))

    run = deploy(root, fleet, agent, app)

    database = run.bags["aws_opsworks_app"]["shop"]["database"]
    assert (database["host"], database["port"], database["username"]) == ("replica.example.org", 6543, "admin")
    assert database["password"] == "of-the-replica"
    assert {"of-the-replica", "pass-of-shop"} <= set(run.masked)
    assert "replica.example.org" not in run.masked


@pytest.mark.parametrize(
    "odd",
    ['{"deploy": 1}', '{"deploy": {"shop": []}}', '{"deploy": {"shop": {"database": "x"}}}'],
    ids=["number", "list", "text"],
)
def test_05_30_custom_json_of_another_shape_says_nothing_of_connections(fleet: Fleet, root: Caller, odd: str) -> None:
    agent = fleet.instance("s", "web1")
    register(root)
    app = root.app("s", Name="Shop", DataSources=[{"Type": "RdsDbInstance", "Arn": SHOP}])
    root("UpdateStack", StackId="s", CustomJson=odd)

    database = deploy(root, fleet, agent, app).bags["aws_opsworks_app"]["shop"]["database"]

    assert (database["host"], database["password"]) == ("db.example.org", "pass-of-shop")


def test_ruling_16_a_password_goes_to_the_nodes_whose_apps_use_it_and_to_no_others(fleet: Fleet, root: Caller) -> None:
    register(root)
    register(root, SPARE, "pass-of-spare")
    root.app("s", Name="Shop", Type="php", DataSources=[{"Type": "RdsDbInstance", "Arn": SHOP}])
    seen = {}
    for type in ("php-app", "nodejs-app", "lb"):
        layer = root.layer("s", type, Type=type)
        agent = fleet.instance("s", f"of-{type}")
        with fleet.database.write() as conn:
            was = instances.get(conn, f"of-{type}")
            assert was is not None
            assert instances.swap(conn, was, msgspec.structs.replace(was, layer_ids=(layer,)))
        fleet.command(f"of-{type}", "configure")
        bag = Run(fleet, agent).bags[RDS_BAG]
        seen[type] = [bag[name_of(arn)]["db_password"] for arn in (SHOP, SPARE)]

    # No app uses the spare one: it is for the users' own recipes, wherever apps are served.
    assert seen == {
        "php-app": ["pass-of-shop", "pass-of-spare"],
        "nodejs-app": [None, "pass-of-spare"],
        "lb": [None, None],
    }


def test_06_section_3_balancer_and_cluster_reach_the_node_and_leave_it(fleet: Fleet, root: Caller) -> None:
    agent = fleet.instance("s", "web1")
    root("AttachElasticLoadBalancer", ElasticLoadBalancerName="web-elb", LayerId="s-app")
    root("RegisterEcsCluster", EcsClusterArn=CLUSTER, StackId="s")
    ecs = root.layer("s", "ecs", Type="ecs-cluster", Attributes={"EcsClusterArn": CLUSTER})
    fleet.command("web1", "configure")

    bags = Run(fleet, agent).bags

    assert bags["aws_opsworks_elastic_load_balancer"] == {
        "web-elb": {
            "id": "web-elb",
            "elastic_load_balancer_name": "web-elb",
            "dns_name": None,
            "layer_id": "s-app",
        }
    }
    item = name_of(CLUSTER).replace("/", "_")
    assert bags["aws_opsworks_ecs_cluster"] == {
        item: {"id": item, "ecs_cluster_arn": CLUSTER, "ecs_cluster_name": "c1"}
    }
    assert bags["aws_opsworks_layer"]["ecs-cluster"]["ecs_cluster_arn"] == CLUSTER

    root("DetachElasticLoadBalancer", ElasticLoadBalancerName="web-elb", LayerId="s-app")
    root("DeleteLayer", LayerId=ecs)
    root("DeregisterEcsCluster", EcsClusterArn=CLUSTER)
    fleet.command("web1", "configure")
    after = Run(fleet, agent).bags
    assert (after["aws_opsworks_elastic_load_balancer"], after["aws_opsworks_ecs_cluster"]) == ({}, {})


def test_06_35_the_resources_of_another_stack_are_never_there(fleet: Fleet, root: Caller) -> None:
    fleet.stack("t")
    agent = fleet.instance("t", "stranger")
    register(root)
    root("AttachElasticLoadBalancer", ElasticLoadBalancerName="web-elb", LayerId="s-app")
    root("RegisterEcsCluster", EcsClusterArn=CLUSTER, StackId="s")
    fleet.command("stranger", "configure")

    bags = Run(fleet, agent).bags

    assert [bags[bag] for bag in (RDS_BAG, "aws_opsworks_elastic_load_balancer", "aws_opsworks_ecs_cluster")] == [
        {},
        {},
        {},
    ]


def test_05_section_5_an_app_of_the_stack_s_own_mysql_gets_the_instance_as_its_database(
    fleet: Fleet, root: Caller
) -> None:
    mysql = root.layer("s", "db", Type="db-master", Attributes={"MysqlRootPassword": "root-pass"})
    server = root.instance("s", mysql, Hostname="db1")
    arn = root("DescribeInstances", InstanceIds=[server])["Instances"][0]["Arn"]
    picked = root.app("s", Name="Picked", DataSources=[{"Type": "AutoSelectOpsworksMysqlInstance"}])
    named = root.app(
        "s", Name="Named", DataSources=[{"Type": "OpsworksMysqlInstance", "Arn": arn, "DatabaseName": "shared"}]
    )
    agent = fleet.instance("s", "web1")

    for app, database in ((picked, "picked"), (named, "shared")):
        run = deploy(root, fleet, agent, app)
        found = run.bags["aws_opsworks_app"]["picked" if app == picked else "named"]["database"]
        assert (found["username"], found["password"], found["database"]) == ("root", "root-pass", database)
        assert (found["port"], found["adapter"], found["data_source_provider"]) == (3306, "mysql", "mysql")
        assert run.bags[RDS_BAG] == {}
        assert "root-pass" not in str(run.public)


def test_05_3_a_new_name_leaves_the_app_s_short_name_on_the_node(fleet: Fleet, root: Caller) -> None:
    agent = fleet.instance("s", "web1")
    app = root.app("s", Name="Shop")
    root("UpdateApp", AppId=app, Name="Bakery")

    [(item, told)] = deploy(root, fleet, agent, app).bags["aws_opsworks_app"].items()

    assert (item, told["shortname"], told["name"]) == ("shop", "shop", "Bakery")


def test_03_21_a_configure_after_a_heal_brings_the_new_addresses(fleet: Fleet, root: Caller) -> None:
    agent = fleet.instance("s", "web1")
    fleet.instance("s", "web2")

    def addresses() -> Any:
        fleet.command("web1", "configure")
        told = Run(fleet, agent).bags["aws_opsworks_instance"]["web2"]
        return told["private_ip"], told["public_ip"]

    def machine_has(private_ip: str, public_ip: str) -> None:
        with fleet.database.write() as conn:
            healed = instances.get(conn, "web2")
            assert healed is not None
            kept = KeepAddresses(instance=healed, private_ip=private_ip, public_ip=public_ip)
            now, services = fleet.database.now(conn), fleet.services
            actions.apply(conn, [kept], now, new_id=services.new_id, times=services.settings.command)

    machine_has("10.0.0.1", "198.51.100.1")
    assert addresses() == ("10.0.0.1", "198.51.100.1")
    machine_has("10.0.0.2", "198.51.100.2")
    assert addresses() == ("10.0.0.2", "198.51.100.2")
