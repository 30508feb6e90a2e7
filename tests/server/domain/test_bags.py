"""What a node sees: field tables, visibility per command, secrets apart from what all may read (chapter 06)."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from toque_server.domain import bag_items, bags
from toque_server.domain.world import (
    AppOf,
    BalancerOf,
    ClusterOf,
    DatabaseOf,
    DataSource,
    EnvironmentVariable,
    HostKeys,
    InstanceOf,
    LayerOf,
    SourceOf,
    StackOf,
    UserOf,
    VolumeConfiguration,
    VolumeOf,
    World,
)

AT = datetime(2015, 11, 18, 0, 21, 5, tzinfo=UTC)
RDS = "arn:aws:rds:us-west-2:850906259207:db:dummy-project"
SECRETS = ("repo-password", "deploy-key", "tls-key", "s3cret-token", "db-password", "host-private", "cook-pass")

SHOP = AppOf(
    id="a-shop",
    name="Shop",
    shortname="shop",
    type="other",
    source=SourceOf(type="git", url="https://git/x", username="ann", password="repo-password", ssh_key="deploy-key"),
    data_sources=(DataSource(type="RdsDbInstance", arn=RDS, database_name="shopdb"),),
    domains=("www.example.com",),
    enable_ssl=True,
    certificate="CERT",
    private_key="tls-key",
    environment=(
        EnvironmentVariable(key="COLOUR", value="green"),
        EnvironmentVariable(key="TOKEN", value="s3cret-token", secure=True),
    ),
)
BLOG = AppOf(id="a-blog", name="Blog", shortname="blog", type="php", private_key="blog-tls-key")
WEB1 = InstanceOf(
    id="i-1",
    hostname="web1",
    layer_ids=("l-app",),
    status="online",
    created_at=AT,
    rsa=HostKeys(private="host-private"),
)
LB1 = InstanceOf(id="i-2", hostname="lb1", layer_ids=("l-lb",), status="stopped", created_at=AT)
WORLD = World(
    change=1,
    stack=StackOf(
        id="s-1",
        name="Stack",
        arn="arn:aws:opsworks:us-west-2:1:stack/s-1/",
        region="us-west-2",
        use_custom_cookbooks=True,
        source=SourceOf(type="git", url="https://git/c", username="bob", password="cook-pass"),
    ),
    layers=(
        LayerOf(
            id="l-app",
            name="App",
            shortname="app",
            volume_configurations=(VolumeConfiguration(mount_point="/vol", size=10),),
        ),
        LayerOf(id="l-lb", name="LB", shortname="lb", type="lb"),
    ),
    instances=(WEB1, LB1),
    apps=(SHOP, BLOG),
    users=(UserOf(arn="arn:aws:iam::1:user/guysm", username="guysm", unix_user_id=2001, sudo=True),),
    databases=(
        DatabaseOf(
            arn=RDS,
            identifier="dummy-project",
            address="db.example",
            port=3306,
            engine="mysql",
            user="dbuser",
            password="db-password",
            region="us-west-2",
        ),
    ),
    balancers=(BalancerOf(name="my/elb", dns_name="elb.example", layer_id="l-app"),),
    clusters=(ClusterOf(arn="arn:aws:ecs:eu:1:cluster/c1", name="c1"),),
    volumes=(VolumeOf(id="v-1", instance_id="i-1", fields={"size": 10}),),
)

FIELDS = {
    "app/a-shop": "id app_id name shortname type deploy app_source attributes data_sources domains enable_ssl"
    " ssl_configuration environment database",
    "layer/l-app": "id layer_id name shortname type packages volume_configurations",
    "instance/i-1": "id instance_id ec2_instance_id hostname layer_ids self status private_ip public_ip private_dns"
    " public_dns elastic_ip availability_zone subnet_id os ami_id architecture instance_type virtualization_type"
    " root_device_type root_device_volume_id ebs_optimized auto_scaling_type created_at infrastructure_class"
    " ssh_host_rsa_key_fingerprint ssh_host_rsa_key_public ssh_host_rsa_key_private ssh_host_dsa_key_fingerprint"
    " ssh_host_dsa_key_public ssh_host_dsa_key_private",
    "stack": "id stack_id name arn region vpc_id use_custom_cookbooks custom_cookbooks_source",
    "user/arn:aws:iam::1:user/guysm": "id username iam_user_arn unix_user_id ssh_public_key administrator_privileges"
    " remote_access",
    f"rds/{RDS}": "id rds_db_instance_arn db_instance_identifier address port engine db_user db_password region"
    " missing_on_rds",
    "elb/my/elb": "id elastic_load_balancer_name dns_name layer_id",
    "ecs/arn:aws:ecs:eu:1:cluster/c1": "id ecs_cluster_arn ecs_cluster_name",
}


@pytest.mark.parametrize("part", sorted(FIELDS))
def test_06_3_an_item_has_exactly_the_fields_of_its_table(part: str) -> None:
    assert set(bags.public_parts(WORLD)[part]) == set(FIELDS[part].split())


def test_08_11_stack_and_layer_carry_their_own_tags_where_they_have_any() -> None:
    tagged = msgspec.structs.replace(
        WORLD,
        stack=msgspec.structs.replace(WORLD.stack, tags={"Stage": "P"}),
        layers=tuple(msgspec.structs.replace(each, tags={"Role": each.shortname}) for each in WORLD.layers),
    )

    parts, before = bags.public_parts(tagged), bags.public_parts(WORLD)

    assert (parts["stack"]["tags"], parts["layer/l-lb"]["tags"]) == ({"Stage": "P"}, {"Role": "lb"})
    assert {name for name, part in parts.items() if part != before[name]} == {"stack", "layer/l-app", "layer/l-lb"}


def seen(instance: InstanceOf, command: str, app_ids: tuple[str, ...] = ()) -> dict[str, dict[str, Any]]:
    """The bags as the node puts them together: public parts, secrets over them, deploy flags."""
    deploying = bags.deploy_apps(command, app_ids, WORLD)
    found: dict[str, dict[str, Any]] = {bag: {} for bag in bags.BAG_OF.values()}
    for name, item in bags.public_parts(WORLD).items():
        kind = name.partition("/")[0]
        whole = item | ({"deploy": item["app_id"] in deploying} if kind == "app" else {})
        found[bags.BAG_OF[kind]][item["id"]] = whole
    for bag, items in bags.secrets_for(WORLD, instance, command, deploying).items():
        for id, fields in items.items():
            found[bag][id] = bags.merged(found[bag][id], fields)
    return found


def test_ruling_16_no_part_of_a_policy_holds_a_secret() -> None:
    text = json.dumps(bags.public_parts(WORLD))
    assert [secret for secret in SECRETS if secret in text] == []


def test_06_2_there_is_exactly_one_stack_item() -> None:
    assert list(seen(WEB1, "configure")["aws_opsworks_stack"]) == ["s-1"]


def test_06_3_and_4_self_and_the_private_host_key_are_in_the_own_item_only() -> None:
    items = seen(WEB1, "configure")["aws_opsworks_instance"]
    assert {name: item["self"] for name, item in items.items()} == {"web1": True, "lb1": False}
    assert items["web1"]["ssh_host_rsa_key_private"] == "host-private"
    assert seen(LB1, "configure")["aws_opsworks_instance"]["web1"]["ssh_host_rsa_key_private"] is None


def test_06_6_the_credential_key_is_user_in_apps_and_username_in_the_stack() -> None:
    found = seen(WEB1, "deploy", ("a-shop",))
    assert found["aws_opsworks_app"]["shop"]["app_source"]["user"] == "ann"
    assert found["aws_opsworks_stack"]["s-1"]["custom_cookbooks_source"]["username"] == "bob"


def test_06_7_an_app_without_a_source_is_other_with_null_members() -> None:
    source = bag_items.app_item(BLOG)["app_source"]
    assert source == {
        "type": "other", "url": None, "user": None, "password": None, "ssh_key": None, "revision": None
    }  # fmt: skip


def test_06_8_and_9_and_05_31_data_sources_and_domains_are_lists() -> None:
    shop, blog = bag_items.app_item(SHOP, WORLD.databases), bag_items.app_item(BLOG)
    assert shop["data_sources"] == [{"type": "RdsDbInstance", "arn": RDS, "database_name": "shopdb"}]
    assert blog["data_sources"] == [{"type": "None"}]
    assert (shop["domains"], blog["domains"]) == (["www.example.com", "shop"], ["blog"])


@pytest.mark.parametrize(
    ("command", "app_ids", "flags"),
    [
        ("setup", (), {"shop": True, "blog": True}),
        ("deploy", ("a-shop",), {"shop": True, "blog": False}),
        ("execute_recipes", (), {"shop": False, "blog": False}),
        ("execute_recipes", ("a-blog",), {"shop": False, "blog": True}),
        ("configure", ("a-shop",), {"shop": False, "blog": False}),
        ("shutdown", (), {"shop": False, "blog": False}),
    ],
)
def test_06_10_and_11_and_05_34_deploy_flags_by_command(
    command: str, app_ids: tuple[str, ...], flags: dict[str, bool]
) -> None:
    apps = seen(WEB1, command, app_ids)["aws_opsworks_app"]
    assert {name: item["deploy"] for name, item in apps.items()} == flags


def test_06_12_absent_is_null_and_never_the_text_null() -> None:
    assert '"null"' not in json.dumps(bags.public_parts(WORLD))
    assert bags.public_parts(WORLD)["stack"]["vpc_id"] is None


def test_06_16_a_database_item_is_named_by_its_arn() -> None:
    assert list(seen(WEB1, "configure")["aws_opsworks_rds_db_instance"]) == [
        "arn_aws_rds_us-west-2_850906259207_db_dummy-project"
    ]


def test_06_17_the_database_password_is_clear_on_a_node_that_serves_apps_and_nowhere_else() -> None:
    name = "arn_aws_rds_us-west-2_850906259207_db_dummy-project"
    assert seen(WEB1, "configure")["aws_opsworks_rds_db_instance"][name]["db_password"] == "db-password"
    assert seen(LB1, "configure")["aws_opsworks_rds_db_instance"][name]["db_password"] is None


def test_05_section_5_1_the_database_object_has_nine_keys_or_none() -> None:
    database = seen(WEB1, "deploy", ("a-shop",))["aws_opsworks_app"]["shop"]["database"]
    assert database == {
        "host": "db.example",
        "port": 3306,
        "database": "shopdb",
        "username": "dbuser",
        "password": "db-password",
        "adapter": "mysql",
        "type": "mysql",
        "data_source_provider": "rds",
        "reconnect": True,
    }
    assert bag_items.app_item(BLOG)["database"] == {}


def test_06_6_keys_travel_only_with_the_app_that_is_deployed() -> None:
    deployed = seen(WEB1, "deploy", ("a-shop",))["aws_opsworks_app"]["shop"]
    assert (deployed["app_source"]["password"], deployed["app_source"]["ssh_key"]) == ("repo-password", "deploy-key")
    assert deployed["ssl_configuration"]["private_key"] == "tls-key"
    idle = seen(WEB1, "configure")["aws_opsworks_app"]["shop"]
    assert (idle["app_source"]["password"], idle["ssl_configuration"]["private_key"]) == (None, None)
    assert idle["environment"] == {"COLOUR": "green", "TOKEN": "s3cret-token"}


def test_a_layer_that_serves_no_app_gets_no_apps_secrets() -> None:
    assert "s3cret-token" not in json.dumps(seen(LB1, "setup"))
    assert [app.shortname for app in bags.visible_apps(WORLD, LB1)] == []


def test_commands_about_users_carry_no_apps_secrets() -> None:
    assert "aws_opsworks_app" not in bags.secrets_for(WORLD, WEB1, "sync_remote_users", ())


def test_everything_secret_is_masked_longest_first() -> None:
    masked = bags.masked_values(bags.secrets_for(WORLD, WEB1, "deploy", ("a-shop",)))
    assert set(masked) == set(SECRETS) - {"cook-pass"}
    assert list(masked) == sorted(masked, key=lambda text: (-len(text), text))


def test_06_26_bags_of_custom_json_stand_over_stored_items() -> None:
    stored = {"myapp": {"mysql": {"host": "a", "port": 1}}}
    levels = [("stack", {"opsworks": {"data_bags": {"myapp": {"mysql": {"port": 2}}}}}), ("deployment", {"x": 1})]
    assert bags.free_bags(stored, levels) == {"myapp": {"mysql": {"id": "mysql", "host": "a", "port": 2}}}


def test_06_20_and_21_objects_merge_and_lists_are_replaced() -> None:
    merged = bags.merged(bags.merged({"a": {"x": 1, "y": 1}, "l": [1, 2]}, {"a": {"x": 2}}), {"a": {"z": 3}, "l": [3]})
    assert merged == {"a": {"x": 2, "y": 1, "z": 3}, "l": [3]}


def test_own_volumes_only() -> None:
    assert bags.own_resources(WORLD, "i-1")["opsworks_volume"] == {"v-1": {"id": "v-1", "size": 10}}
    assert bags.own_resources(WORLD, "i-2")["opsworks_volume"] == {}


def test_a_deleted_apps_snapshot_is_whole() -> None:
    snapshot = bags.app_snapshot(SHOP, WORLD.databases)
    assert snapshot["deploy"] is True
    assert snapshot["app_source"]["password"] == "repo-password"
    assert "tls-key" in bags.masked_values([bags.secret_fields(snapshot)])


def test_a_change_of_one_instance_is_one_new_part() -> None:
    changed = msgspec.structs.replace(WORLD, instances=(msgspec.structs.replace(WEB1, status="stopped"), LB1))
    before, after = bags.public_parts(WORLD), bags.public_parts(changed)
    assert [name for name in before if before[name] != after[name]] == ["instance/i-1"]
