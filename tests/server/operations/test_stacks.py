from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from tests.server.operations.calls import PROFILE, ROLE, Caller
from toque_server.domain.hostname import THEMES
from toque_server.operations.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    ValidationException,
)

FILTERED = "*****FILTERED*****"
SOURCE = {"Type": "git", "Url": "https://example.org/cookbooks.git", "Password": "hush", "SshKey": "a key"}


def shown(root: Caller, stack_id: str) -> dict[str, object]:
    found: dict[str, object] = root("DescribeStacks", StackIds=[stack_id])["Stacks"][0]
    return found


def test_01_1_four_members_make_a_stack_with_a_guid(root_on_either: Caller) -> None:
    stack = root_on_either("CreateStack", Name="a", Region="r", ServiceRoleArn=ROLE, DefaultInstanceProfileArn=PROFILE)

    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", stack["StackId"])
    assert list(stack) == ["StackId"]


@pytest.mark.parametrize("missing", ["Name", "Region", "ServiceRoleArn", "DefaultInstanceProfileArn"])
def test_01_2_each_of_the_four_is_required(root: Caller, missing: str) -> None:
    given = {"Name": "a", "Region": "r", "ServiceRoleArn": ROLE, "DefaultInstanceProfileArn": PROFILE}
    given.pop(missing)

    with pytest.raises(ValidationException, match=missing):
        root("CreateStack", **given)


def test_01_3_a_name_has_64_characters_and_may_be_taken_twice(root: Caller) -> None:
    with pytest.raises(ValidationException, match="64"):
        root.stack(Name="a" * 65)

    assert root.stack(Name="a" * 64) != root.stack(Name="a" * 64)


def test_01_4_and_01_5_the_defaults_of_the_smallest_stack(root: Caller) -> None:
    stack = shown(root, root.stack())

    assert stack["HostnameTheme"] == "Layer_Dependent"
    assert stack["ConfigurationManager"] == {"Name": "Chef", "Version": "12"}
    assert stack["UseOpsworksSecurityGroups"] is True
    assert stack["UseCustomCookbooks"] is False
    assert stack["DefaultRootDeviceType"] == "ebs"
    assert stack["AgentVersion"] == "LATEST"
    assert stack["CustomCookbooksSource"] == {}
    assert datetime.fromisoformat(str(stack["CreatedAt"])).utcoffset() == timedelta(0)
    assert str(stack["CreatedAt"]).endswith("+00:00")
    assert "CustomJson" not in stack


def test_01_6_the_arn_ends_with_a_slash(root: Caller) -> None:
    id = root.stack(Region="eu-x-1")

    assert shown(root, id)["Arn"] == f"arn:aws:opsworks:eu-x-1:123456789012:stack/{id}/"


def test_01_7_03_23_a_new_default_os_counts_for_new_instances_only(root: Caller) -> None:
    stack = root.stack(DefaultOs="Debian 12")
    layer = root.layer(stack)
    old = root.instance(stack, layer)

    root("UpdateStack", StackId=stack, DefaultOs="Rocky Linux 9")

    new = root.instance(stack, layer)
    systems = {i["InstanceId"]: i["Os"] for i in root("DescribeInstances", StackId=stack)["Instances"]}
    assert systems == {old: "Debian 12", new: "Rocky Linux 9"}


def test_01_8_a_linux_stack_does_not_become_a_windows_stack(root: Caller) -> None:
    stack = root.stack()

    with pytest.raises(ValidationException, match="Linux or Windows"):
        root("UpdateStack", StackId=stack, DefaultOs="Microsoft Windows Server 2012 R2 Base")


def test_01_9_region_and_vpc_are_no_members_of_update_stack(root: Caller) -> None:
    stack = root.stack()

    for member in ("Region", "VpcId"):
        with pytest.raises(ValidationException, match=f"UpdateStack has no {member}"):
            root("UpdateStack", StackId=stack, **{member: "x"})


def test_01_10_a_vpc_needs_a_subnet(root: Caller) -> None:
    with pytest.raises(ValidationException, match="DefaultSubnetId"):
        root.stack(VpcId="vpc-1")

    root.stack(VpcId="vpc-1", DefaultSubnetId="subnet-1")


def test_01_11_and_07_29_the_service_role_stays_what_it_is(root: Caller) -> None:
    stack = root.stack()

    root("UpdateStack", StackId=stack, ServiceRoleArn=ROLE)
    root("UpdateStack", StackId=stack, Name="other")
    with pytest.raises(ValidationException, match="ServiceRoleArn cannot change"):
        root("UpdateStack", StackId=stack, ServiceRoleArn=f"{ROLE}-2")

    assert (shown(root, stack)["ServiceRoleArn"], shown(root, stack)["Name"]) == (ROLE, "other")


def test_01_12_and_01_14_suggestions_are_the_smallest_free_number_and_reserve_nothing(root: Caller) -> None:
    stack = root.stack()
    lb = root.layer(stack, "lb", Type="lb")

    def suggestion() -> str:
        return str(root("GetHostnameSuggestion", LayerId=lb)["Hostname"])

    assert (suggestion(), suggestion()) == ("lb1", "lb1")
    first = root.instance(stack, lb, Hostname="lb1")
    assert suggestion() == "lb2"
    root("DeleteInstance", InstanceId=first)
    assert suggestion() == "lb1"


@pytest.mark.parametrize("theme", THEMES)
def test_01_13_a_theme_never_repeats_a_name_in_use(root: Caller, theme: str) -> None:
    stack = root.stack(HostnameTheme=theme)
    layer = root.layer(stack)

    names = [root("GetHostnameSuggestion", LayerId=layer)["Hostname"] for _ in (root.instance(stack, layer), 0)]

    taken = {i["Hostname"] for i in root("DescribeInstances", StackId=stack)["Instances"]}
    assert taken.isdisjoint(names)


def test_01_13_an_unknown_theme_is_refused_with_the_themes(root: Caller) -> None:
    with pytest.raises(ValidationException, match=r"'Fruit' is unknown.*Fruits.*Wild_Cats"):
        root.stack(HostnameTheme="Fruit")


def test_01_16_custom_json_is_an_object_of_at_most_120_kb_and_comes_back_byte_for_byte(root: Caller) -> None:
    for bad in ("[1]", '"x"', "{", '{"a": NaN}'):
        with pytest.raises(ValidationException, match="CustomJson"):
            root.stack(CustomJson=bad)
    text = '{ "a" :\n 1, "b": "' + "x" * (122_880 - 21) + '" }'
    assert len(text) == 122_880

    assert shown(root, root.stack(CustomJson=text))["CustomJson"] == text
    with pytest.raises(ValidationException, match="too large"):
        root.stack(CustomJson=text + " ")


def test_01_18_data_bags_of_the_server_cannot_be_overridden(root: Caller) -> None:
    with pytest.raises(ValidationException, match="aws_opsworks_app"):
        root.stack(CustomJson='{"opsworks": {"data_bags": {"aws_opsworks_app": {}}}}')


def test_01_19_secrets_of_the_source_are_filtered_and_the_literal_keeps_them(root: Caller) -> None:
    from toque_server.store import stacks

    stack = root.stack(CustomCookbooksSource=SOURCE)
    source = shown(root, stack)["CustomCookbooksSource"]
    assert source == SOURCE | {"Password": FILTERED, "SshKey": FILTERED}

    root("UpdateStack", StackId=stack, CustomCookbooksSource=source)

    with root.services.database.read() as conn:
        kept = stacks.secrets(conn, root.services.vault, stack).source
    assert (kept.password, kept.ssh_key) == ("hush", "a key")


def test_01_24_built_in_groups_go_off_when_every_layer_has_its_own(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)

    with pytest.raises(ValidationException, match="app"):
        root("UpdateStack", StackId=stack, UseOpsworksSecurityGroups=False)
    root("UpdateLayer", LayerId=layer, CustomSecurityGroupIds=["sg-1"])
    root("UpdateStack", StackId=stack, UseOpsworksSecurityGroups=False)

    assert root("DescribeLayers", LayerIds=[layer])["Layers"][0]["DefaultSecurityGroupNames"] == []


def test_01_25_a_stack_is_deleted_when_it_is_empty_and_says_what_is_in_the_way(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack(CustomJson='{"a": 1}')
    layer = root.layer(stack)
    instance, app = root.instance(stack, layer), root.app(stack)

    with pytest.raises(ValidationException, match="1 instances, 1 layers, 1 apps"):
        root("DeleteStack", StackId=stack)
    root("DeleteInstance", InstanceId=instance)
    root("DeleteLayer", LayerId=layer)
    root("DeleteApp", AppId=app)
    root("DeleteStack", StackId=stack)

    with pytest.raises(ResourceNotFoundException, match=stack):
        root("DescribeStacks", StackIds=[stack])


def test_01_30_the_summary_counts_and_leaves_zeros_out(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    up = root.instance(stack, layer)
    root.instance(stack, layer)
    root.bring_online(up)

    summary = root("DescribeStackSummary", StackId=stack)["StackSummary"]

    assert summary["InstancesCount"] == {"Online": 1, "Stopped": 1}
    assert (summary["LayersCount"], summary["AppsCount"]) == (1, 0)


def test_01_32_agent_versions_need_a_stack_or_a_manager(root: Caller) -> None:
    with pytest.raises(ValidationException, match="either StackId or ConfigurationManager"):
        root("DescribeAgentVersions")

    assert root("DescribeAgentVersions", StackId=root.stack())["AgentVersions"]


def test_01_35_levels_reach_as_far_as_the_table_says(root: Caller) -> None:
    stack = root.stack()
    arn = root("CreateUser", UserName="ann")["UserArn"]
    ann = root.as_user("ann")

    root("SetPermission", StackId=stack, IamUserArn=arn, Level="show")
    assert [each["StackId"] for each in ann("DescribeStacks")["Stacks"]] == [stack]
    with pytest.raises(AccessDeniedException):
        ann("UpdateStack", StackId=stack, Name="x")
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="deploy")
    with pytest.raises(AccessDeniedException):
        ann("StartStack", StackId=stack)
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="manage")
    ann("StartStack", StackId=stack)
    with pytest.raises(AccessDeniedException):
        ann.stack()


def test_the_slug_is_unique_where_the_name_is_not(root: Caller) -> None:
    from toque_server.store import stacks

    ids = [root.stack(Name="My Shop") for _ in range(3)]

    with root.services.database.read() as conn:
        assert [each.slug for each in stacks.by_ids(conn, ids).values()] == ["my-shop", "my-shop-2", "my-shop-3"]
