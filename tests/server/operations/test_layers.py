from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import ResourceNotFoundException, ValidationException

FILTERED = "*****FILTERED*****"


def shown(root: Caller, layer_id: str) -> dict[str, Any]:
    found: dict[str, Any] = root("DescribeLayers", LayerIds=[layer_id])["Layers"][0]
    return found


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


def test_02_8_only_a_balancer_layer_wants_elastic_addresses(root: Caller) -> None:
    stack = root.stack()

    assert shown(root, root.layer(stack, "lb", Type="lb"))["AutoAssignElasticIps"] is True
    assert shown(root, root.layer(stack, "w", Type="web"))["AutoAssignElasticIps"] is False


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
    ],
)
def test_02_17_and_02_18_volumes_that_cannot_be_made(root: Caller, volume: dict[str, Any], why: str) -> None:
    given = {"MountPoint": "/vol/data", "NumberOfDisks": 1, "Size": 10} | volume

    with pytest.raises(ValidationException, match=why):
        root.layer(root.stack(), VolumeConfigurations=[given])


def test_02_18_volumes_that_can_be_made(root: Caller) -> None:
    volumes = [
        {"MountPoint": "/vol/data", "NumberOfDisks": 2, "Size": 10, "RaidLevel": 0},
        {"MountPoint": "/vol/more", "NumberOfDisks": 1, "Size": 125, "VolumeType": "st1"},
        {"MountPoint": "/vol/large", "NumberOfDisks": 2, "Size": 2048, "RaidLevel": 0},
    ]

    assert shown(root, root.layer(root.stack(), VolumeConfigurations=volumes))["VolumeConfigurations"] == volumes


@pytest.mark.parametrize("member", [{"BufferDuration": 4000}, {"BatchCount": 10_001}, {"BatchSize": 1_048_577}])
def test_02_32_log_streams_have_limits(root: Caller, member: dict[str, int]) -> None:
    with pytest.raises(ValidationException, match=next(iter(member))):
        root.layer(
            root.stack(),
            CloudWatchLogsConfiguration={"Enabled": True, "LogStreams": [{"File": "/var/log/x"} | member]},
        )


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
