from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agent.importer.test_systems import KNOWN
from toque.cli.importing import shapes
from toque.importer import report
from toque.importer.mapping import BadChoice, Import, Mapped, mapped
from toque.importer.notes import Choices, Target
from toque.importer.problems import BadDump, Verdict
from toque.importer.reading import read
from toque.stackfile.loading import load
from toque.stackfile.model import (
    DataSource,
    ElasticIp,
    LoadBasedAutoScaling,
    Recipes,
    SecretRef,
    Source,
    Volume,
)
from toque.stackfile.writing import written

DUMPS = Path(__file__).parent / "dumps"
TARGET = Target("999988887777", KNOWN)

STACK: dict[str, Any] = {"StackId": "s-1", "Name": "shop", "Region": "eu-west-1", "DefaultOs": "Debian 12"}
LAYER: dict[str, Any] = {"LayerId": "l-1", "StackId": "s-1", "Type": "custom", "Name": "Front", "Shortname": "front"}
INSTANCE: dict[str, Any] = {"InstanceId": "i-1", "StackId": "s-1", "Hostname": "front1", "LayerIds": ["l-1"]}
APP: dict[str, Any] = {"AppId": "a-1", "StackId": "s-1", "Name": "Store", "Shortname": "store", "Type": "other"}


def all_of(*names: str, choices: Choices | None = None) -> Import:
    return mapped(read([DUMPS / each for each in names], shapes()), TARGET, choices or Choices())


def only(*names: str) -> Mapped:
    (stack,) = all_of(*names).stacks
    return stack


def of(folder: Path, choices: Choices | None = None, **kinds: list[dict[str, Any]]) -> Import:
    """A dump of these records, and of one stack where no other is given."""
    answers = {"Stacks": [STACK], "Layers": [LAYER], "Instances": [], "Apps": [], "Permissions": []} | kinds
    (folder / "all.json").write_text(json.dumps(answers))
    return mapped(read([folder], shapes()), TARGET, choices or Choices())


def said(stack: Mapped, verdict: Verdict) -> list[str]:
    return [str(each) for each in stack.remarks if each.verdict is verdict]


def told(found: Import) -> str:
    return "\n".join([*report.lines(found)])


def test_a_chef_12_stack_keeps_what_it_was() -> None:
    document = only("shop").document

    assert document.stack.region == "us-east-1"
    assert (document.stack.vpc_id, document.stack.default_subnet_id) == ("vpc-0a1b2c3d", "subnet-11aa22bb")
    assert document.stack.service_role_arn == "arn:aws:iam::111122223333:role/aws-opsworks-service-role"
    assert document.stack.custom_json == '{\n  "shop": {"currency": "EUR"}\n}'
    assert document.stack.custom_cookbooks_source == Source(
        type="git",
        url="git@github.com:example/shop-cookbooks.git",
        ssh_key=SecretRef("COOKBOOKS_SSH_KEY"),
        revision="main",
    )
    assert document.stack.tags == {"cost-center": "shop"}
    layers = document.layers or {}
    assert list(layers) == ["front", "workers", "ecs-cluster"]
    assert layers["front"].custom_recipes == Recipes(setup=("shop::base", "nginx"), deploy=("shop::deploy",))
    assert (layers["front"].tags, layers["front"].load_balancer) == ({"tier": "front"}, "shop-front")
    assert layers["workers"].load_based_auto_scaling.up_scaling.cpu_threshold == 75.0
    assert layers["front"].load_based_auto_scaling == LoadBasedAutoScaling()
    assert document.ecs_clusters == ("arn:aws:ecs:us-east-1:111122223333:cluster/shop",)
    instances = document.instances or {}
    assert instances["front2"].schedule == {"monday": {"8": "on", "9": "on"}, "friday": {"22": "on"}}
    assert (instances["front2"].layers, instances["front2"].availability_zone) == (("front", "workers"), "us-east-1b")
    assert instances["workers1"].auto_scaling_type == "load"
    store = (document.apps or {})["store"]
    assert store.environment == {"STAGE": "production", "API_KEY": SecretRef("APP_STORE_ENV_API_KEY")}
    assert store.data_sources[0].arn == "arn:aws:rds:us-east-1:111122223333:db:shop"
    assert document.elastic_ips == {"203.0.113.10": ElasticIp(name="front", instance="front1")}
    assert document.volumes == {"vol-0bbb2222": Volume(name="uploads", mount_point="/vol/uploads")}


def test_what_a_chef_12_stack_loses_and_leaves_to_do_is_said() -> None:
    stack = only("shop")

    changed, lost, to_do = (said(stack, each) for each in (Verdict.CHANGED, Verdict.LEFT_OUT, Verdict.TO_DO))
    assert "DefaultOs: Amazon Linux 2 is out of service: new instances get Amazon Linux 2023" in changed
    assert "AgentVersion: 4039-20190814145114 was a version of AWS' agent: it is LATEST now" in changed
    assert any("the old one was i-0123456789abcdef0, 203.0.113.10, 10.0.0.10" in each for each in changed)
    assert any(each.startswith("instance legacy-box: it was registered, not ordered") for each in lost)
    assert any(each.startswith("volume vol-0aaa1111: its instance gets a new, empty one") for each in lost)
    assert (
        "cookbook shop: port to Python, under the same names: shop::base, shop::deploy, shop::drain"
        " (run by front, workers)"
    ) in to_do
    assert any(each.startswith("app jobs: http://files.example.com/jobs.tar.gz is not protected") for each in to_do)
    assert [entry.members() for entry in stack.databases] == [
        {
            "RdsDbInstanceArn": "arn:aws:rds:us-east-1:111122223333:db:shop",
            "Address": "shop.abc.us-east-1.rds.amazonaws.com",
            "Port": 3306,
            "Engine": "mysql",
        }
    ]


def test_a_chef_11_stack_keeps_its_built_in_layers() -> None:
    stack = only("legacy")
    layers = stack.document.layers or {}

    assert {name: each.type for name, each in layers.items()} == {
        "lb": "lb",
        "rails-app": "rails-app",
        "db-master": "db-master",
        "memcached": "memcached",
    }
    assert layers["lb"].attributes["HaproxyStatsPassword"] == SecretRef("LAYER_LB_HAPROXY_STATS_PASSWORD")
    assert layers["memcached"].attributes == {"MemcachedMemory": "512"}
    assert stack.document.stack.configuration_manager is not None
    assert stack.document.stack.configuration_manager.version == "11.10"
    assert (stack.document.apps or {})["blog"].data_sources == (
        DataSource(type="OpsworksMysqlInstance", instance="hera", database_name="blog"),
    )
    apollo = (stack.document.instances or {})["apollo"]
    assert (apollo.os, apollo.ami_id) == ("Custom", "ami-77aa88bb")
    assert (stack.document.instances or {})["hera"].schedule == {"monday": {"8": "on"}}
    to_do = said(stack, Verdict.TO_DO)
    assert any(each.startswith("ChefConfiguration: Berkshelf") for each in to_do)
    assert "layer db-master: MysqlRootPassword was never shown" in "\n".join(to_do)


def test_a_windows_stack_comes_without_the_machines_that_cannot_be_made() -> None:
    stack = only("windows")

    assert stack.document.stack.default_os == "Microsoft Windows Server 2012 R2 Base"
    assert list(stack.document.instances or {}) == ["iis2"]
    assert said(stack, Verdict.LEFT_OUT)[0].startswith(
        "instance iis1: no machine with Microsoft Windows Server 2012 R2 Base can be made"
    )


def test_every_document_is_one_that_stack_apply_reads() -> None:
    for stack in all_of("shop", "legacy", "windows").stacks:
        assert load(written(stack.document), "stack.yaml") == stack.document


def test_secrets_of_several_stacks_have_names_of_their_own() -> None:
    sources = [each.document.stack.custom_cookbooks_source for each in all_of("legacy", "windows").stacks]

    assert [each.password for each in sources if each is not None] == [
        SecretRef("LEGACY_BLOG_COOKBOOKS_PASSWORD"),
        SecretRef("INTRANET_COOKBOOKS_PASSWORD"),
    ]


def test_another_region_takes_zones_and_networks_away() -> None:
    stack = all_of("shop", choices=Choices(regions={"us-east-1": "local"})).stacks[0]

    assert stack.document.stack.region == "local"
    assert (stack.document.stack.vpc_id, stack.document.stack.default_subnet_id) == (None, None)
    assert {each.availability_zone for each in (stack.document.instances or {}).values()} == {None}
    assert {each.subnet_id for each in (stack.document.instances or {}).values()} == {None}
    assert "VpcId: vpc-0a1b2c3d belongs to the region us-east-1" in said(stack, Verdict.LEFT_OUT)


def test_stacks_are_chosen_and_named_as_asked() -> None:
    choices = Choices(only={"shop", "66666666-aaaa-4bbb-8ccc-dddddddddddd"}, names={"intranet": "portal"})

    found = all_of("shop", "legacy", "windows", choices=choices)

    assert [each.document.stack.name for each in found.stacks] == ["shop", "portal"]


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        (Choices(only={"shp"}), "there is no stack shp in the dump, which has blog, shop"),
        (Choices(names={"x": "y"}), "there is no stack x in the dump"),
        (Choices(regions={"mars": "local"}), "no stack of the dump is in region mars: they are in eu-west-1"),
        (
            Choices(names={"blog": "shop"}),
            "two stacks would be called shop: please give one another name, as --name s-2=",
        ),
    ],
    ids=["stack", "name", "region", "same-name"],
)
def test_a_choice_that_does_not_fit_names_what_would(tmp_path: Path, choices: Choices, text: str) -> None:
    with pytest.raises(BadChoice) as error:
        of(tmp_path, choices, Stacks=[STACK, {**STACK, "StackId": "s-2", "Name": "blog"}])

    assert text in str(error.value)


def test_what_was_not_saved_is_not_managed_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"Stacks": [STACK], "Layers": []}))

    (stack,) = mapped(read([tmp_path], shapes()), TARGET).stacks

    assert stack.document.layers == {}
    assert stack.document.apps is stack.document.instances is stack.document.permissions is None
    assert said(stack, Verdict.LEFT_OUT) == [
        "Instances: the dump has no answer of describe-instances",
        "Apps: the dump has no answer of describe-apps",
        "Permissions: the dump has no answer of describe-permissions",
    ]


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"CustomJson": "{oops"}, "CustomJson: it is not JSON: Expecting property name"),
        ({"CustomJson": "[1]"}, "CustomJson: it is not a JSON object"),
        ({"VpcId": "vpc-1"}, "VpcId: vpc-1 is left out, since a stack in a VPC needs a DefaultSubnetId"),
        ({"Attributes": {"Size": "9"}}, "Attributes.Size: stacks have no such attribute"),
        ({"ConfigurationManager": {"Name": "Chef", "Version": "14"}}, "ConfigurationManager: Chef 14 is unknown"),
        ({"DefaultOs": "Plan 9"}, "DefaultOs: Plan 9 is out of service: new instances get Ubuntu 24.04 LTS"),
    ],
    ids=["no-json", "no-object", "vpc", "attribute", "manager", "system"],
)
def test_a_setting_that_a_stack_cannot_have_is_told(tmp_path: Path, change: dict[str, Any], remark: str) -> None:
    (stack,) = of(tmp_path, Stacks=[STACK | change]).stacks

    assert any(str(each).startswith(remark) for each in stack.remarks), told(of(tmp_path))
    assert load(written(stack.document), "f") == stack.document


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"Status": "terminated"}, "instance front1: it was terminated"),
        ({"InfrastructureClass": "on-premises"}, "instance front1: it was registered, not ordered"),
        ({"LayerIds": ["l-9"]}, "instance front1: an instance needs a layer, and none of its layers is in the dump"),
        ({"Os": "CustomWindows"}, "instance front1: no machine with CustomWindows can be made"),
    ],
    ids=["gone", "registered", "no-layer", "windows"],
)
def test_an_instance_that_cannot_be_made_is_left_out(tmp_path: Path, change: dict[str, Any], remark: str) -> None:
    (stack,) = of(tmp_path, Instances=[INSTANCE | change]).stacks

    assert stack.document.instances == {}
    assert any(each.startswith(remark) for each in said(stack, Verdict.LEFT_OUT))


@pytest.mark.parametrize(
    ("change", "remark"),
    [
        ({"Os": "Custom"}, "instance front1: its system was Custom, without an image: it is Debian 12 now"),
        ({"AmiId": "ami-1"}, "instance front1: the image ami-1 was its old system's"),
        ({"Architecture": "arm64"}, "instance front1: the architecture arm64 is unknown: it is x86_64 now"),
        ({"LayerIds": ["l-1", "l-9"]}, "instance front1: 1 of its layers are not in the dump"),
        ({"AutoScalingType": "timer"}, "instance front1: the dump has no schedule of it"),
    ],
    ids=["custom", "image", "architecture", "lost-layer", "no-schedule"],
)
def test_an_instance_that_changes_is_told(tmp_path: Path, change: dict[str, Any], remark: str) -> None:
    (stack,) = of(tmp_path, Instances=[INSTANCE | change]).stacks

    (instance,) = (stack.document.instances or {}).values()
    assert (instance.layers, instance.ami_id, instance.architecture) == (("front",), None, "x86_64")
    assert any(str(each).startswith(remark) for each in stack.remarks)


def test_host_names_are_kept_in_lower_case_and_apart(tmp_path: Path) -> None:
    twin = {**INSTANCE, "InstanceId": "i-2", "Hostname": "Front1"}

    (stack,) = of(tmp_path, Instances=[INSTANCE, twin]).stacks

    assert list(stack.document.instances or {}) == ["front1"]
    assert said(stack, Verdict.LEFT_OUT) == ["instance front1: another instance has this host name"]


def test_a_schedule_of_an_instance_that_is_not_timed_is_not_taken(tmp_path: Path) -> None:
    schedule = {"InstanceId": "i-1", "AutoScalingSchedule": {"Monday": {"8": "on"}}}

    (stack,) = of(tmp_path, Instances=[INSTANCE], TimeBasedAutoScalingConfigurations=[schedule]).stacks

    assert (stack.document.instances or {})["front1"].schedule == {}


def test_a_layer_of_an_unknown_type_is_a_custom_one(tmp_path: Path) -> None:
    (stack,) = of(tmp_path, Layers=[LAYER | {"Type": "cobol-app", "Attributes": {"Year": "1959"}}]).stacks

    assert (stack.document.layers or {})["front"].type == "custom"
    assert (stack.document.layers or {})["front"].attributes == {}
    assert any("the type 'cobol-app' is unknown" in each for each in said(stack, Verdict.CHANGED))


def test_a_mysql_layer_always_has_a_password(tmp_path: Path) -> None:
    (stack,) = of(tmp_path, Layers=[LAYER | {"Type": "db-master", "Shortname": "db-master"}]).stacks

    (layer,) = (stack.document.layers or {}).values()
    assert layer.attributes == {"MysqlRootPassword": SecretRef("LAYER_DB_MASTER_MYSQL_ROOT_PASSWORD")}


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ({"Type": "RdsDbInstance", "Arn": "arn:aws:rds:x:1:db:y"}, ()),
        (
            {"Type": "OpsworksMysqlInstance", "Arn": "arn:aws:opsworks:x:1:instance/i-9", "DatabaseName": "d"},
            (DataSource(type="AutoSelectOpsworksMysqlInstance", database_name="d"),),
        ),
        ({"Type": "None"}, (DataSource(type="None"),)),
    ],
    ids=["unregistered", "lost-instance", "none"],
)
def test_an_app_loses_a_database_that_is_not_there(
    tmp_path: Path, source: dict[str, Any], kept: tuple[DataSource, ...]
) -> None:
    (stack,) = of(tmp_path, Apps=[APP | {"DataSources": [source]}]).stacks

    assert (stack.document.apps or {})["store"].data_sources == kept
    assert bool([each for each in stack.remarks if each.thing == "app store"]) == (source["Type"] != "None")


def test_no_secret_of_a_dump_gets_into_a_document(tmp_path: Path) -> None:
    source = {"Type": "git", "Url": "https://example.org/a", "Password": "clear", "SshKey": "clear"}
    layer = LAYER | {"Type": "lb", "Shortname": "haproxy", "Attributes": {"HaproxyStatsPassword": "clear"}}
    app = APP | {
        "AppSource": source,
        "EnableSsl": True,
        "SslConfiguration": {"Certificate": "c", "PrivateKey": "clear"},
        "Environment": [{"Key": "A", "Value": "clear", "Secure": True}],
    }

    (stack,) = of(tmp_path, Stacks=[STACK | {"CustomCookbooksSource": source}], Layers=[layer], Apps=[app]).stacks

    text = written(stack.document)
    assert "clear" not in text
    assert load(text, "f") == stack.document
    assert list(stack.document.layers or {}) == ["lb"]


def test_a_hidden_value_is_a_secret_whatever_is_said_beside_it(tmp_path: Path) -> None:
    variable = {"Key": "TOKEN", "Value": "*****FILTERED*****", "Secure": False}

    (stack,) = of(tmp_path, Apps=[APP | {"Environment": [variable]}]).stacks

    assert (stack.document.apps or {})["store"].environment == {"TOKEN": SecretRef("APP_STORE_ENV_TOKEN")}


@pytest.mark.parametrize("record", [{"Engine": "mysql"}, {"Address": "db"}, {"Address": "db", "Engine": "dbase"}])
def test_a_database_whose_place_is_not_known_is_left_to_the_operator(tmp_path: Path, record: dict[str, Any]) -> None:
    arn = "arn:aws:rds:x:1:db:y"

    (stack,) = of(
        tmp_path, RdsDbInstances=[{"RdsDbInstanceArn": arn, "StackId": "s-1", "DbUser": "u", **record}]
    ).stacks

    assert stack.databases == ()
    assert f"toque database add {arn} --address" in said(stack, Verdict.TO_DO)[0]


def test_records_of_other_stacks_are_told(tmp_path: Path) -> None:
    found = of(tmp_path, Layers=[LAYER, {**LAYER, "StackId": "s-9", "LayerId": "l-9"}])

    assert "1 Layers of stack s-9: that stack is not in the dump" in told(found)


def test_a_record_that_misses_what_it_needs_inside_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadDump, match=r"Layers\[0\]\.VolumeConfigurations\[0\]\.MountPoint is missing"):
        of(tmp_path, Layers=[LAYER | {"VolumeConfigurations": [{"Size": 1, "NumberOfDisks": 1}]}])


def test_the_report_says_once_what_holds_for_several(tmp_path: Path) -> None:
    two = [INSTANCE | {"Os": "Debian 8"}, {**INSTANCE, "InstanceId": "i-2", "Hostname": "front2", "Os": "Debian 8"}]

    text = told(of(tmp_path, Instances=two))

    assert "    instance front1, front2: Debian 8 is out of service: it gets Debian 12\n" in text


def test_the_report_shows_no_control_characters(tmp_path: Path) -> None:
    text = told(of(tmp_path, Apps=[APP | {"Shortname": "a\x1b[31mb"}]))

    assert "apps: a [31mb" in text
