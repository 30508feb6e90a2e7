from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.domain.layer_kinds import KINDS
from toque_server.domain.layer_types import default_recipes
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.store import instances

FILTERED = "*****FILTERED*****"
WINDOWS = "Microsoft Windows Server 2012 R2 Base"
CLUSTER = "arn:aws:ecs:local:123456789012:cluster/c"


def shown(root: Caller, layer_id: str) -> dict[str, Any]:
    found: dict[str, Any] = root("DescribeLayers", LayerIds=[layer_id])["Layers"][0]
    return found


def built_in(root: Caller, stack: str, type: str) -> str:
    """A layer of this type, with what the type needs."""
    attributes = {"db-master": {"MysqlRootPassword": "hush"}, "ecs-cluster": {"EcsClusterArn": CLUSTER}}
    if type == "ecs-cluster":
        root("RegisterEcsCluster", StackId=stack, EcsClusterArn=CLUSTER)
    return root.layer(stack, "x", Type=type, Attributes=attributes.get(type, {}))


def test_02_1_the_defaults_of_a_custom_layer(root_on_either: Caller) -> None:
    layer = shown(root_on_either, root_on_either.layer(root_on_either.stack()))

    assert layer["EnableAutoHealing"] is True
    assert layer["InstallUpdatesOnBoot"] is True
    assert layer["AutoAssignElasticIps"] is False
    assert layer["LifecycleEventConfiguration"]["Shutdown"] == {
        "ExecutionTimeout": 120,
        "DelayUntilElbConnectionsDrained": True,
    }
    assert layer["Attributes"] == {}


def test_02_2_one_layer_of_each_built_in_type_and_one_of_each_short_name(root: Caller) -> None:
    stack = root.stack()
    root.layer(stack, "php", Type="php-app")
    root.layer(stack, "a")
    root.layer(stack, "b")

    with pytest.raises(ValidationException, match="already has a layer of type php-app"):
        root.layer(stack, "php", Type="php-app")
    with pytest.raises(ValidationException, match="Shortname a"):
        root.layer(stack, "a", Name="another")


def test_02_3_ruling_18_gives_every_linux_stack_the_built_in_types_and_a_windows_stack_none(root: Caller) -> None:
    for profile in ("12", "11.10"):
        stack = root.stack(ConfigurationManager={"Name": "Chef", "Version": profile})
        root.layer(stack, "php", Type="php-app")
        root.layer(stack, "mine")

    windows = root.stack(DefaultOs=WINDOWS)
    root.layer(windows, "mine")
    with pytest.raises(ValidationException, match="Type php-app is not for a Windows stack"):
        root.layer(windows, "php", Type="php-app")


def test_ruling_18_our_own_types_are_there_and_a_bogus_one_is_refused_with_the_types(root: Caller) -> None:
    stack = root.stack()

    assert shown(root, root.layer(stack, "x", Type="python-app"))["Shortname"] == "python-app"
    assert shown(root, root.layer(stack, "x", Type="redis"))["Shortname"] == "redis"
    with pytest.raises(ValidationException, match=r"'bogus' is unknown.*python-app"):
        root.layer(stack, "x", Type="bogus")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"Name": "n" * 33}, "32"),
        ({"Shortname": "Web"}, "lower-case"),
        ({"Shortname": ".."}, "not allowed"),
        ({"Shortname": "lb"}, "built-in"),
        ({"Packages": ["-x"]}, "package"),
        ({"CustomRecipes": {"Setup": ["a b"]}}, "CustomRecipes.Setup"),
        ({"Attributes": {"MemcachedMemory": "1"}}, "MemcachedMemory"),
        ({"LifecycleEventConfiguration": {"Shutdown": {"ExecutionTimeout": 7201}}}, "7200"),
        ({"CustomJson": "[]"}, "CustomJson"),
    ],
)
def test_02_4_what_no_layer_may_be(root: Caller, members: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationException, match=why):
        root.layer(root.stack(), **members)


def test_02_4_dots_dashes_and_underscores_are_fine_in_a_short_name(root: Caller) -> None:
    assert shown(root, root.layer(root.stack(), "web-1.a_b"))["Shortname"] == "web-1.a_b"


def test_02_5_a_built_in_type_keeps_its_own_short_name(root: Caller) -> None:
    assert shown(root, root.layer(root.stack(), "myphplayer", Type="php-app"))["Shortname"] == "php-app"


def test_02_6_and_02_7_passwords_are_needed_filtered_and_kept(root: Caller) -> None:
    stack = root.stack()
    with pytest.raises(ValidationException, match="MysqlRootPassword is missing"):
        root.layer(stack, "db", Type="db-master")
    db = root.layer(stack, "db", Type="db-master", Attributes={"MysqlRootPassword": "hush"})

    root("UpdateLayer", LayerId=db, Attributes={"MysqlRootPassword": FILTERED, "MysqlRootPasswordUbiquitous": "false"})

    layer = shown(root, db)
    assert layer["Attributes"] == {"MysqlRootPassword": FILTERED, "MysqlRootPasswordUbiquitous": "false"}
    assert [each["MountPoint"] for each in layer["VolumeConfigurations"]] == ["/vol/mysql"]
    ganglia = shown(root, root.layer(stack, "g", Type="monitoring-master"))
    assert ganglia["Attributes"]["GangliaPassword"] == FILTERED


@pytest.mark.parametrize("type", KINDS)
def test_02_6_ruling_18_the_default_recipes_are_those_of_the_type_s_own_cookbook(root: Caller, type: str) -> None:
    recipes = shown(root, built_in(root, root.stack(), type))["DefaultRecipes"]

    assert recipes == default_recipes(type)
    assert list(recipes) == ["Setup", "Configure", "Deploy", "Undeploy", "Shutdown"]


def test_02_6_ruling_18_a_balancer_layer_is_set_up_by_haproxy_s_recipes(root: Caller) -> None:
    assert shown(root, built_in(root, root.stack(), "lb"))["DefaultRecipes"] == {
        "Setup": ["haproxy::default"],
        "Configure": ["haproxy::configure"],
        "Deploy": ["haproxy::configure"],
        "Undeploy": [],
        "Shutdown": ["haproxy::stop"],
    }


@pytest.mark.parametrize("type", KINDS)
def test_02_8_only_a_balancer_layer_wants_elastic_addresses(root: Caller, type: str) -> None:
    layer = shown(root, built_in(root, root.stack(), type))

    assert layer["AutoAssignElasticIps"] is (type == "lb")


def test_02_9_and_l_7_unset_attributes_of_a_built_in_type_are_null(root: Caller) -> None:
    stack = root.stack()

    assert shown(root, root.layer(stack, "n", Type="nodejs-app"))["Attributes"] == {"NodejsVersion": None}
    with pytest.raises(ValidationException, match="php-app has no 'MemcachedMemory'"):
        root.layer(stack, "p", Type="php-app", Attributes={"MemcachedMemory": "1"})


def test_02_10_all_five_lists_are_always_there_and_keep_their_order(root: Caller) -> None:
    layer = root.layer(root.stack(), CustomRecipes={"Setup": ["b::two", "a"]})

    assert shown(root, layer)["CustomRecipes"] == {
        "Setup": ["b::two", "a"],
        "Configure": [],
        "Deploy": [],
        "Undeploy": [],
        "Shutdown": [],
    }
    assert set(shown(root, layer)["DefaultRecipes"]) == {"Setup", "Configure", "Deploy", "Undeploy", "Shutdown"}


@pytest.mark.parametrize(
    ("volume", "why"),
    [
        ({"MountPoint": "/srv/www"}, "reserved"),
        ({"MountPoint": "vol"}, "absolute"),
        ({"MountPoint": "/vol/../etc"}, "absolute"),
        ({"VolumeType": "st1", "Size": 100}, "125"),
        ({"RaidLevel": 0, "NumberOfDisks": 1}, "at least 2"),
        ({"RaidLevel": 5, "NumberOfDisks": 2}, "at least 3"),
        ({"RaidLevel": 10, "NumberOfDisks": 3}, "at least 4"),
        ({"VolumeType": "io1", "Iops": 301, "Size": 10}, "300"),
        ({"VolumeType": "io1", "Iops": 301, "Size": 20, "RaidLevel": 0, "NumberOfDisks": 2}, "300"),
        ({"NumberOfDisks": 2}, "RaidLevel is missing: /vol/data has 2 disks"),
        ({"RaidLevel": 0, "NumberOfDisks": 2, "Size": 3000}, "with 3000 each of 2 disks has 1500"),
        ({"VolumeType": "io1", "Size": 10}, "Iops is missing"),
        ({"VolumeType": "io1", "Iops": 151, "Size": 10, "RaidLevel": 0, "NumberOfDisks": 2}, "150"),
        ({"VolumeType": "st1", "Size": 248, "RaidLevel": 0, "NumberOfDisks": 2}, "125 to 16384 GiB, not 124"),
        ({"Size": 1025}, "1 to 1024"),
        ({"NumberOfDisks": 0}, "at least 1"),
        ({"RaidLevel": 6, "NumberOfDisks": 4}, "0, 1, 5, 10"),
        ({"VolumeType": "gp9"}, "standard, io1, gp2, st1, sc1"),
        ({"MountPoint": "/media/ephemeral0"}, "reserved"),
    ],
)
def test_02_17_and_02_18_volumes_that_cannot_be_made(root: Caller, volume: dict[str, Any], why: str) -> None:
    given = {"MountPoint": "/vol/data", "NumberOfDisks": 1, "Size": 10} | volume

    with pytest.raises(ValidationException, match=why):
        root.layer(root.stack(), VolumeConfigurations=[given])


@pytest.mark.parametrize("profile", ["12", "11.10"])
def test_02_18_volumes_that_can_be_made(root: Caller, profile: str) -> None:
    stack = root.stack(ConfigurationManager={"Version": profile})
    volumes = [
        {"MountPoint": "/vol/data", "NumberOfDisks": 2, "Size": 10, "RaidLevel": 0},
        {"MountPoint": "/vol/more", "NumberOfDisks": 1, "Size": 125, "VolumeType": "st1"},
        {"MountPoint": "/vol/large", "NumberOfDisks": 2, "Size": 2048, "RaidLevel": 0},
    ]

    assert shown(root, root.layer(stack, VolumeConfigurations=volumes))["VolumeConfigurations"] == volumes


def test_l_13_layers_that_share_an_instance_have_mount_points_of_their_own(root: Caller) -> None:
    stack = root.stack()
    data = [{"MountPoint": "/vol/data", "NumberOfDisks": 1, "Size": 10}]
    a, b, alone = root.layer(stack, "a", VolumeConfigurations=data), root.layer(stack, "b"), root.layer(stack, "c")
    root.instance(stack, a, b)

    with pytest.raises(ValidationException, match="layers a and b both have a volume at /vol/data"):
        root("UpdateLayer", LayerId=b, VolumeConfigurations=data)
    with pytest.raises(ValidationException, match="two volumes have the mount point /vol/data"):
        root("UpdateLayer", LayerId=a, VolumeConfigurations=data * 2)
    root("UpdateLayer", LayerId=alone, VolumeConfigurations=data)
    with pytest.raises(ValidationException, match="layers a and c both have a volume at /vol/data"):
        root.instance(stack, a, alone)


def test_02_section_10_windows_layers_have_no_volumes_and_send_no_logs(root: Caller) -> None:
    stack = root.stack(DefaultOs=WINDOWS)

    with pytest.raises(ValidationException, match="VolumeConfigurations are not for a Windows stack"):
        root.layer(stack, VolumeConfigurations=[{"MountPoint": "/vol/data", "NumberOfDisks": 1, "Size": 10}])
    with pytest.raises(ValidationException, match="CloudWatchLogsConfiguration cannot be enabled"):
        root.layer(stack, CloudWatchLogsConfiguration={"Enabled": True})


@pytest.mark.parametrize("member", [{"BufferDuration": 4000}, {"BatchCount": 10_001}, {"BatchSize": 1_048_577}])
def test_02_32_log_streams_have_limits(root: Caller, member: dict[str, int]) -> None:
    with pytest.raises(ValidationException, match=next(iter(member))):
        root.layer(
            root.stack(),
            CloudWatchLogsConfiguration={"Enabled": True, "LogStreams": [{"File": "/var/log/x"} | member]},
        )


@pytest.mark.parametrize(
    ("member", "why"),
    [
        ({"File": ""}, "without File"),
        ({"LogGroupName": "a b"}, "LogGroupName"),
        ({"LogGroupName": "n" * 513}, "LogGroupName"),
        ({"TimeZone": "CET"}, "LOCAL or UTC"),
        ({"InitialPosition": "middle"}, "start_of_file or end_of_file"),
        ({"FileFingerprintLines": "2-"}, "2-5"),
        ({"Encoding": "rot13"}, "utf_8"),
        ({"BatchSize": 0}, "1 to 1048576"),
    ],
)
def test_l_18_log_streams_that_could_not_be_sent(root: Caller, member: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationException, match=why):
        root.layer(root.stack(), CloudWatchLogsConfiguration={"LogStreams": [{"File": "/var/log/x"} | member]})


def test_l_18_log_streams_show_what_they_come_to_and_none_are_disabled(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack, CloudWatchLogsConfiguration={"Enabled": True, "LogStreams": [{"File": "/var/log/x"}]})

    assert shown(root, layer)["CloudWatchLogsConfiguration"] == {
        "Enabled": True,
        "LogStreams": [
            {
                "File": "/var/log/x",
                "FileFingerprintLines": "1",
                "InitialPosition": "start_of_file",
                "Encoding": "utf_8",
                "BufferDuration": 5000,
                "BatchCount": 1000,
                "BatchSize": 32768,
            }
        ],
    }
    plain = shown(root, root.layer(stack, "plain"))
    assert plain["CloudWatchLogsConfiguration"] == {"Enabled": False, "LogStreams": []}


def test_02_33_a_layer_with_a_member_is_not_deleted_and_names_it(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    layer = root.layer(stack)
    instance = root.instance(stack, layer, Hostname="web-7")

    with pytest.raises(ValidationException, match="web-7"):
        root("DeleteLayer", LayerId=layer)
    root("DeleteInstance", InstanceId=instance)
    root("DeleteLayer", LayerId=layer)

    with pytest.raises(ResourceNotFoundException, match=layer):
        root("DescribeLayers", LayerIds=[layer])


def test_02_34_without_built_in_groups_a_layer_needs_its_own(root: Caller) -> None:
    stack = root.stack(UseOpsworksSecurityGroups=False)

    with pytest.raises(ValidationException, match="CustomSecurityGroupIds"):
        root.layer(stack)
    layer = root.layer(stack, CustomSecurityGroupIds=["sg-1"])
    assert shown(root, layer)["DefaultSecurityGroupNames"] == []
    with pytest.raises(ValidationException, match="CustomSecurityGroupIds"):
        root("UpdateLayer", LayerId=layer, CustomSecurityGroupIds=[])
    with pytest.raises(ValidationException, match="is not the id of a security group"):
        root("UpdateLayer", LayerId=layer, CustomSecurityGroupIds=["sg-1", " "])


def test_02_26_the_longest_shutdown_of_an_instance_s_layers_counts(root: Caller) -> None:
    def waits(seconds: int) -> dict[str, Any]:
        return {"LifecycleEventConfiguration": {"Shutdown": {"ExecutionTimeout": seconds}}}

    stack = root.stack()
    instance = root.instance(stack, root.layer(stack, "a", **waits(60)), root.layer(stack, "b", **waits(300)))
    root.bring_online(instance)

    root("StopInstance", InstanceId=instance)

    with root.services.database.read() as conn:
        stopping = instances.get(conn, instance)
    assert stopping is not None
    assert stopping.shutdown_by == stopping.since + timedelta(seconds=300)


def test_l_4_an_object_replaces_the_old_one_whole(root: Caller) -> None:
    first = {"Shutdown": {"ExecutionTimeout": 300, "DelayUntilElbConnectionsDrained": False}}
    layer = root.layer(root.stack(), LifecycleEventConfiguration=first, CustomRecipes={"Setup": ["a"], "Deploy": ["b"]})
    assert shown(root, layer)["LifecycleEventConfiguration"] == first

    root("UpdateLayer", LayerId=layer, Name="other")
    assert shown(root, layer)["LifecycleEventConfiguration"] == first
    root("UpdateLayer", LayerId=layer, CustomRecipes={"Deploy": ["c"]})
    root("UpdateLayer", LayerId=layer, LifecycleEventConfiguration={"Shutdown": {"ExecutionTimeout": 0}})

    now = shown(root, layer)
    assert now["LifecycleEventConfiguration"]["Shutdown"] == {
        "ExecutionTimeout": 0,
        "DelayUntilElbConnectionsDrained": True,
    }
    assert (now["CustomRecipes"]["Setup"], now["CustomRecipes"]["Deploy"]) == ([], ["c"])


def test_l_6_a_custom_layer_may_get_another_short_name_and_its_instances_keep_theirs(root: Caller) -> None:
    stack = root.stack()
    layer, php = root.layer(stack, "a"), root.layer(stack, "php", Type="php-app")
    instance = root.instance(stack, layer)

    root("UpdateLayer", LayerId=layer, Shortname="b")
    root("UpdateLayer", LayerId=php, Shortname="mine")

    assert (shown(root, layer)["Shortname"], shown(root, php)["Shortname"]) == ("b", "php-app")
    [kept] = root("DescribeInstances", InstanceIds=[instance])["Instances"]
    assert kept["Hostname"] == "a1"
    with pytest.raises(ValidationException, match="already has a layer with Shortname b"):
        root("UpdateLayer", LayerId=root.layer(stack, "c"), Shortname="b")


def test_l_3_the_arn_the_address_and_the_disk_defaults_of_a_layer(root: Caller) -> None:
    layer = shown(root, root.layer(root.stack()))

    assert layer["Arn"] == f"arn:aws:opsworks:local:{root.services.keys.account_id}:layer/{layer['LayerId']}/"
    assert (layer["AutoAssignPublicIps"], layer["UseEbsOptimizedInstances"]) == (True, False)
    assert (layer["Packages"], layer["VolumeConfigurations"], layer["CustomSecurityGroupIds"]) == ([], [], [])
    assert "CustomInstanceProfileArn" not in layer
    assert "CustomJson" not in layer


def test_two_layers_made_at_once_under_one_short_name_are_one_layer_and_refusals(root_on_either: Caller) -> None:
    from concurrent.futures import ThreadPoolExecutor

    root = root_on_either
    stack = root.stack()

    def make(_: int) -> str:
        try:
            root.layer(stack, "same")
        except ValidationException as error:
            return str(error)
        return "made"

    with ThreadPoolExecutor(4) as pool:
        said = sorted(pool.map(make, range(4)))

    assert said == ["made", *["stack shop already has a layer with Shortname same"] * 3]


def test_l_4_lists_are_replaced_whole_and_absent_members_stay(root: Caller) -> None:
    layer = root.layer(root.stack(), Packages=["a", "b"], CustomJson='{"x": 1}', EnableAutoHealing=False)

    root("UpdateLayer", LayerId=layer, Packages=["c"])

    now = shown(root, layer)
    assert (now["Packages"], now["CustomJson"], now["EnableAutoHealing"]) == (["c"], '{"x": 1}', False)


def test_ruling_6_exactly_one_selector(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)

    for selectors in ({}, {"StackId": stack, "LayerIds": [layer]}):
        with pytest.raises(ValidationException, match="Please provide either StackId or one or more LayerIds"):
            root("DescribeLayers", **selectors)
