from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import PROFILE, ROLE, Caller
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.store import apps, attributes, cookbooks, data_bags, layers, stacks

WINDOWS = "Microsoft Windows Server 2012 R2 Base"
SOURCE = {
    "Type": "git",
    "Url": "https://example.org/cookbooks.git",
    "Username": "ann",
    "Password": "hush",
    "SshKey": "key",
}
DATABASE = "arn:aws:rds:eu-1:123456789012:db:d"
OWN = {"StackId", "Arn", "CreatedAt", "Name"}


def clone(root: Caller, source: str, **members: Any) -> str:
    return str(root("CloneStack", **{"SourceStackId": source, "ServiceRoleArn": ROLE} | members)["StackId"])


def stack(root: Caller, id: str) -> dict[str, Any]:
    found: dict[str, Any] = root("DescribeStacks", StackIds=[id])["Stacks"][0]
    return found


def layers_of(root: Caller, stack_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = root("DescribeLayers", StackId=stack_id)["Layers"]
    return found


def apps_of(root: Caller, stack_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = root("DescribeApps", StackId=stack_id)["Apps"]
    return found


def without(one: dict[str, Any], *members: str) -> dict[str, Any]:
    return {name: value for name, value in one.items() if name not in members}


@pytest.fixture
def full(root: Caller) -> str:
    """A stack with every setting away from its default, three layers, an instance."""
    id = root.stack(
        Region="eu-x-1",
        VpcId="vpc-1",
        DefaultSubnetId="subnet-1",
        DefaultAvailabilityZone="eu-x-1c",
        DefaultOs="Debian 12",
        HostnameTheme="Fruits",
        CustomJson='{ "of": "stack" }',
        UseCustomCookbooks=True,
        CustomCookbooksSource=SOURCE,
        DefaultSshKeyName="key",
        DefaultRootDeviceType="instance-store",
        AgentVersion="0.1.0",
        Attributes={"Color": "rgb(1, 2, 3)"},
        ChefConfiguration={"ManageBerkshelf": True},
        ConfigurationManager={"Name": "Chef", "Version": "11.10"},
    )
    app = root.layer(
        id,
        "app",
        CustomJson='{"of": "app"}',
        CustomRecipes={"Setup": ["shop::setup"], "Shutdown": ["shop::stop"]},
        CustomSecurityGroupIds=["sg-1"],
        Packages=["vim"],
        VolumeConfigurations=[{"MountPoint": "/data", "NumberOfDisks": 1, "Size": 10}],
        EnableAutoHealing=False,
        AutoAssignElasticIps=True,
        LifecycleEventConfiguration={"Shutdown": {"ExecutionTimeout": 7}},
    )
    root.layer(id, "lb", Type="lb", Attributes={"HaproxyStatsUser": "ann", "HaproxyStatsPassword": "stats"})
    root.layer(id, "aaa")
    root.instance(id, app)
    return id


def test_01_27_a_copy_wants_a_service_role_and_has_layers_of_its_own_and_no_instances(root: Caller, full: str) -> None:
    with pytest.raises(ValidationException, match="ServiceRoleArn is required"):
        root("CloneStack", SourceStackId=full)

    copy = clone(root, full)

    ours, theirs = layers_of(root, copy), layers_of(root, full)
    assert [each["Shortname"] for each in ours] == [each["Shortname"] for each in theirs] == ["app", "lb", "aaa"]
    assert {each["LayerId"] for each in ours}.isdisjoint(each["LayerId"] for each in theirs)
    assert root("DescribeInstances", StackId=copy) == {"Instances": []}
    assert apps_of(root, copy) == []


def test_01_27_what_can_be_in_one_stack_only_is_not_copied(root: Caller) -> None:
    source = root.stack()
    cluster = "arn:aws:ecs:eu-1:123456789012:cluster/c"
    root("RegisterEcsCluster", StackId=source, EcsClusterArn=cluster)
    layer = root.layer(source, "ecs", Type="ecs-cluster", Attributes={"EcsClusterArn": cluster})
    root("RegisterRdsDbInstance", StackId=source, RdsDbInstanceArn=DATABASE, DbUser="ann", DbPassword="hushhush")
    root("AttachElasticLoadBalancer", LayerId=layer, ElasticLoadBalancerName="elb")
    root("RegisterElasticIp", StackId=source, ElasticIp="192.0.2.1")
    root("RegisterVolume", StackId=source, Ec2VolumeId="vol-1")

    copy = clone(root, source)

    assert root("DescribeRdsDbInstances", StackId=copy) == {"RdsDbInstances": []}
    assert root("DescribeElasticLoadBalancers", StackId=copy) == {"ElasticLoadBalancers": []}
    assert root("DescribeEcsClusters", StackId=copy) == {"EcsClusters": []}
    assert root("DescribeElasticIps", StackId=copy) == {"ElasticIps": []}
    assert root("DescribeVolumes", StackId=copy) == {"Volumes": []}
    assert layers_of(root, copy)[0]["Attributes"]["EcsClusterArn"] is None
    assert layers_of(root, source)[0]["Attributes"]["EcsClusterArn"] == cluster


def test_01_27_settings_and_layers_of_a_copy_read_as_the_source_s(root_on_either: Caller) -> None:
    root = root_on_either
    source = root.stack(CustomJson='{ "a" : 1 }', HostnameTheme="Clouds", CustomCookbooksSource=SOURCE)
    root.layer(source, "lb", Type="lb", CustomJson='{"b": 2}', Packages=["vim"])

    copy = clone(root, source)

    assert without(stack(root, copy), *OWN) == without(stack(root, source), *OWN)
    assert stack(root, copy)["Name"] == "shop copy"
    own = ("StackId", "LayerId", "Arn", "CreatedAt")
    assert [without(each, *own) for each in layers_of(root, copy)] == [
        without(each, *own) for each in layers_of(root, source)
    ]


def test_09_section_5_2_a_stack_with_everything_shows_every_member(root: Caller, full: str) -> None:
    members = (
        "StackId Name Arn Region VpcId Attributes ServiceRoleArn DefaultInstanceProfileArn DefaultOs HostnameTheme"
        " DefaultAvailabilityZone DefaultSubnetId CustomJson ConfigurationManager ChefConfiguration UseCustomCookbooks"
        " UseOpsworksSecurityGroups CustomCookbooksSource DefaultSshKeyName CreatedAt DefaultRootDeviceType"
        " AgentVersion"
    )

    assert set(stack(root, full)) == set(members.split())


def test_01_19_filtered_secrets_that_come_back_are_the_source_s(root: Caller, full: str) -> None:
    copy = clone(root, full, CustomCookbooksSource=stack(root, full)["CustomCookbooksSource"] | {"Revision": "v2"})

    with root.services.database.read() as conn:
        kept = stacks.secrets(conn, root.services.vault, copy).source
    assert (kept.password, kept.ssh_key) == ("hush", "key")
    assert stack(root, copy)["CustomCookbooksSource"]["Revision"] == "v2"


def test_every_setting_and_every_layer_is_taken_over(root: Caller, full: str) -> None:
    copy = clone(root, full)

    own = ("StackId", "LayerId", "Arn", "CreatedAt")
    assert without(stack(root, copy), *OWN) == without(stack(root, full), *OWN)
    assert [without(each, *own) for each in layers_of(root, copy)] == [
        without(each, *own) for each in layers_of(root, full)
    ]


def test_what_is_sent_goes_before_what_the_source_has(root: Caller, full: str) -> None:
    sent: dict[str, Any] = {
        "Name": "staging",
        "DefaultOs": "Rocky Linux 9",
        "HostnameTheme": "Wild_Cats",
        "CustomJson": '{"x": 1}',
        "AgentVersion": "LATEST",
        "DefaultRootDeviceType": "ebs",
        "DefaultInstanceProfileArn": f"{PROFILE}-2",
        "ServiceRoleArn": f"{ROLE}-2",
        "DefaultSshKeyName": "other",
        "UseCustomCookbooks": False,
        "Attributes": {"Color": "blue"},
    }

    copy = stack(root, clone(root, full, **sent))

    assert {name: copy[name] for name in sent} == sent
    assert copy["CustomCookbooksSource"]["Url"] == SOURCE["Url"]


def test_01_8_a_copy_stays_linux_or_windows_and_within_its_configuration_manager(root: Caller) -> None:
    linux, windows = root.stack(), root.stack(DefaultOs=WINDOWS)

    with pytest.raises(ValidationException, match="stays Linux or Windows"):
        clone(root, linux, DefaultOs=WINDOWS, ConfigurationManager={"Name": "Chef", "Version": "12.2"})
    with pytest.raises(ValidationException, match="stays Linux or Windows"):
        clone(root, windows, DefaultOs="Debian 12")
    with pytest.raises(ValidationException, match="ConfigurationManager cannot change"):
        clone(root, linux, ConfigurationManager={"Version": "11.10"})

    assert stack(root, clone(root, windows))["DefaultOs"] == WINDOWS


def test_a_copy_may_go_to_another_vpc_or_region_with_what_it_needs_there(root: Caller, full: str) -> None:
    with pytest.raises(ValidationException, match="DefaultSubnetId is missing: a stack in vpc-2"):
        clone(root, full, VpcId="vpc-2")

    moved = stack(root, clone(root, full, VpcId="vpc-2", DefaultSubnetId="subnet-2"))
    abroad = stack(root, clone(root, full, Region="us-y-2"))

    assert (moved["VpcId"], moved["DefaultSubnetId"], moved["Region"]) == ("vpc-2", "subnet-2", "eu-x-1")
    assert abroad["Arn"].startswith("arn:aws:opsworks:us-y-2:")
    assert abroad["DefaultAvailabilityZone"] == "us-y-2a"
    assert not {"VpcId", "DefaultSubnetId"} & abroad.keys()


def test_01_24_built_in_groups_go_off_in_a_copy_only_where_each_layer_has_its_own(root: Caller) -> None:
    source = root.stack()
    layer = root.layer(source)

    with pytest.raises(ValidationException, match="no security group of their own: app"):
        clone(root, source, UseOpsworksSecurityGroups=False)
    root("UpdateLayer", LayerId=layer, CustomSecurityGroupIds=["sg-1"])

    assert stack(root, clone(root, source, UseOpsworksSecurityGroups=False))["UseOpsworksSecurityGroups"] is False


def test_01_28_only_the_named_apps_are_copied_under_their_short_names(root: Caller, full: str) -> None:
    wanted = root.app(full, Name="Shop", Domains=["shop.example"], Environment=[{"Key": "A", "Value": "b"}])
    root.app(full, Name="Blog")
    also = root.app(full, Name="Admin")

    copies = apps_of(root, clone(root, full, CloneAppIds=[also, wanted]))

    assert [each["Shortname"] for each in copies] == ["shop", "admin"]
    own = ("AppId", "StackId", "CreatedAt")
    sources = {each["AppId"]: each for each in apps_of(root, full)}
    assert [without(each, *own) for each in copies] == [without(sources[id], *own) for id in (wanted, also)]
    assert not {wanted, also} & {each["AppId"] for each in copies}


def test_01_28_an_app_of_another_stack_cannot_be_copied(root: Caller, full: str) -> None:
    elsewhere = root.app(root.stack())

    with pytest.raises(ResourceNotFoundException, match=f"CloneAppIds: unable to find app with ID {elsewhere}"):
        clone(root, full, CloneAppIds=[elsewhere])

    assert len(root("DescribeStacks")["Stacks"]) == 2, "nothing is left of the attempt"


def test_s23_an_app_s_database_stays_with_the_stack_that_has_it(root: Caller, full: str) -> None:
    rds = {"Type": "RdsDbInstance", "Arn": DATABASE, "DatabaseName": "d"}
    root("RegisterRdsDbInstance", StackId=full, RdsDbInstanceArn=DATABASE, DbUser="ann", DbPassword="hushhush")
    app = root.app(full, DataSources=[rds])

    copy = apps_of(root, clone(root, full, CloneAppIds=[app]))[0]

    assert copy["DataSources"] == [{"Type": "None"}]
    assert apps_of(root, full)[0]["DataSources"] == [rds]


def test_01_28_permissions_are_copied_when_asked_for(root: Caller) -> None:
    source = root.stack()
    user = root("CreateUser", UserName="ann")["UserArn"]
    root("SetPermission", StackId=source, IamUserArn=user, Level="deploy", AllowSsh=True)

    without_them, with_them = clone(root, source), clone(root, source, ClonePermissions=True)

    def permission(stack_id: str) -> dict[str, Any]:
        found = root("DescribePermissions", StackId=stack_id, IamUserArn=user)["Permissions"][0]
        return without(found, "StackId", "IamUserArn")

    assert permission(without_them) == {"AllowSsh": False, "AllowSudo": False, "Level": "iam_only"}
    assert permission(with_them) == permission(source) == {"AllowSsh": True, "AllowSudo": False, "Level": "deploy"}


def test_s23_secrets_attributes_and_bags_are_the_copy_s_own_after_the_source_is_gone(root_on_either: Caller) -> None:
    root = root_on_either
    source = root.stack(CustomJson='{"of": "stack"}', CustomCookbooksSource=SOURCE)
    layer = root.layer(source, "lb", Type="lb", CustomJson='{"of": "lb"}', Attributes={"HaproxyStatsPassword": "stats"})
    app, left = root.app(source, Environment=[{"Key": "T", "Value": "hidden", "Secure": True}]), root.app(source)
    instance = root.instance(source, layer)
    for level, owner in (("layer", layer), ("app", app), ("app", left), ("instance", instance)):
        root("SetAttributes", Level=level, OwnerId=owner, CustomJson=f'{{"at": "{level}"}}')
        root("PutDataBagItem", StackId=source, Level=level, OwnerId=owner, Bag="keys", Item=level, Value={"k": level})
    root("PutDataBagItem", StackId=source, Bag="keys", Item="stack", Value={"k": "stack"})

    copy = clone(root, source, CloneAppIds=[app])
    root("DeleteInstance", InstanceId=instance)
    for name, id in (("Layer", layer), ("App", app), ("App", left), ("Stack", source)):
        root(f"Delete{name}", **{f"{name}Id": id})

    vault = root.services.vault
    with root.services.database.read() as conn:
        kept = stacks.secrets(conn, vault, copy)
        (lb,), (shop,) = layers.of_stack(conn, copy), apps.of_stacks(conn, [copy])
        assert (kept.custom_json, kept.source.password, kept.source.ssh_key) == ('{"of": "stack"}', "hush", "key")
        assert layers.secrets(conn, vault, [lb.id])[lb.id].custom_json == '{"of": "lb"}'
        assert layers.secrets(conn, vault, [lb.id])[lb.id].attributes == {"HaproxyStatsPassword": "stats"}
        assert apps.secrets(conn, vault, [shop.id])[shop.id].environment == {"T": "hidden"}
        found = {owner: each.value for owner, each in attributes.of(conn, vault, copy).items()}
        assert found == {lb.id: {"at": "layer"}, shop.id: {"at": "app"}}
        bags = data_bags.seen_by(conn, vault, copy, [lb.id, shop.id])
    assert bags == {"keys": {each: {"k": each} for each in ("stack", "layer", "app")}}


def test_s23_load_based_scaling_is_taken_over_switched_off(root: Caller) -> None:
    source = root.stack()
    layer = root.layer(source)
    up, down = {"InstanceCount": 2, "CpuThreshold": 70.0}, {"CpuThreshold": 20.0}
    root("SetLoadBasedAutoScaling", LayerId=layer, Enable=True, UpScaling=up, DownScaling=down)

    def settings(layer_id: str) -> dict[str, Any]:
        found: dict[str, Any] = root("DescribeLoadBasedAutoScaling", LayerIds=[layer_id])
        return without(found["LoadBasedAutoScalingConfigurations"][0], "LayerId")

    copy = layers_of(root, clone(root, source))[0]["LayerId"]

    assert settings(copy) == settings(layer) | {"Enable": False}


def test_s23_tags_are_copied_and_are_the_copy_s_own(root: Caller) -> None:
    source = root.stack()
    layer = root.layer(source)
    arn = root("DescribeLayers", LayerIds=[layer])["Layers"][0]["Arn"]
    root("TagResource", ResourceArn=stack(root, source)["Arn"], Tags={"Stage": "P"})
    root("TagResource", ResourceArn=arn, Tags={"Tier": "front"})

    copy = clone(root, source)
    root("UntagResource", ResourceArn=arn, TagKeys=["Tier"])

    tags = root("ListTags", ResourceArn=layers_of(root, copy)[0]["Arn"])["Tags"]
    assert tags == {"Stage": "P", "Tier": "front"}


def publish(root: Caller, stack_id: str, digest: str) -> None:
    with root.services.database.write() as conn:
        now = root.services.database.now(conn)
        bundle = cookbooks.Bundle(digest=digest, size=1, created_at=now, contents={})
        cookbooks.add(conn, bundle)
        cookbooks.publish(conn, stack_id, digest, at=now, source="published by ann")
        stacks.set_cookbook_digest(conn, stack_id, digest)


def test_published_cookbooks_come_with_the_copy_and_fetched_ones_are_fetched_anew(root: Caller) -> None:
    published, fetched = root.stack(), root.stack(UseCustomCookbooks=True, CustomCookbooksSource=SOURCE)
    publish(root, published, "a" * 64)
    publish(root, fetched, "b" * 64)

    first = root("DescribeCookbooks", StackId=clone(root, published))
    second = root("DescribeCookbooks", StackId=clone(root, fetched))

    assert first["CurrentDigest"] == "a" * 64
    assert [each["Source"] for each in first["Bundles"]] == ["taken over from stack shop"]
    assert second == {"Bundles": [], "Running": {}}


def test_01_35_a_manager_may_not_clone_and_a_stranger_learns_nothing(root: Caller) -> None:
    source = root.stack()
    user, ann = root("CreateUser", UserName="ann")["UserArn"], root.as_user("ann")
    root("SetPermission", StackId=source, IamUserArn=user, Level="manage")

    for id in (source, "no-such-stack"):
        with pytest.raises(AccessDeniedException):
            clone(ann, id)
    with pytest.raises(ResourceNotFoundException, match="no-such-stack"):
        clone(root, "no-such-stack")


def test_a_copy_may_be_copied_and_short_names_stay_apart(root: Caller, full: str) -> None:
    first = clone(root, full)
    second, third = clone(root, first), clone(root, full)

    assert stack(root, second)["Name"] == "shop copy copy"
    with root.services.database.read() as conn:
        slugs = [each.slug for each in stacks.by_ids(conn, [full, first, second, third]).values()]
    assert slugs == ["shop", "shop-copy", "shop-copy-copy", "shop-copy-2"]
