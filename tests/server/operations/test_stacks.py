from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.server.operations.calls import PROFILE, ROLE, Caller
from toque_server.domain.hostname import THEMES
from toque_server.domain.instance import Instance, Status
from toque_server.domain.instance_details import InstanceDetails
from toque_server.operations.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    ValidationException,
)
from toque_server.store import instances, stacks

FILTERED = "*****FILTERED*****"
WINDOWS = "Microsoft Windows Server 2012 R2 Base"
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
        root("UpdateStack", StackId=stack, DefaultOs=WINDOWS)


def test_01_9_region_and_vpc_are_no_members_of_update_stack(root: Caller) -> None:
    stack = root.stack(Region="eu-x-1", VpcId="vpc-1", DefaultSubnetId="subnet-1")

    for member in ("Region", "VpcId"):
        with pytest.raises(ValidationException, match=f"UpdateStack has no {member}"):
            root("UpdateStack", StackId=stack, **{member: "x"})
    root("UpdateStack", StackId=stack, Name="other", DefaultSubnetId="subnet-2")

    now = shown(root, stack)
    assert (now["Name"], now["Region"], now["VpcId"]) == ("other", "eu-x-1", "vpc-1")


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


def test_s_18_data_bags_of_the_server_cannot_be_overridden(root: Caller) -> None:
    with pytest.raises(ValidationException, match="aws_opsworks_app"):
        root.stack(CustomJson='{"opsworks": {"data_bags": {"aws_opsworks_app": {}}}}')


def test_01_19_secrets_of_the_source_are_filtered_and_the_literal_keeps_them(root: Caller) -> None:
    stack = root.stack(CustomCookbooksSource=SOURCE)
    source = shown(root, stack)["CustomCookbooksSource"]
    assert source == SOURCE | {"Password": FILTERED, "SshKey": FILTERED}

    root("UpdateStack", StackId=stack, CustomCookbooksSource=source)

    with root.services.database.read() as conn:
        kept = stacks.secrets(conn, root.services.vault, stack).source
    assert (kept.password, kept.ssh_key) == ("hush", "a key")


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ({"Url": "https://example.org/c.git"}, "Type is missing"),
        ({"Type": "other"}, "Type 'other' is not for the cookbooks"),
        ({"Type": "svm", "Url": "https://example.org/c"}, "one of git, svn, archive, s3"),
        ({"Type": "git"}, "Url is missing"),
        ({"Type": "git", "Url": "ftp://example.org/c.git"}, "cannot be fetched over ftp"),
        ({"Type": "git", "Url": "https://example.org/c.git", "Revision": "-x"}, "not the name of a branch"),
    ],
    ids=["no-type", "other", "typo", "no-url", "ftp", "revision"],
)
def test_01_section_6_2_a_source_of_cookbooks_that_nobody_could_fetch_is_refused(
    root: Caller, source: dict[str, str], why: str
) -> None:
    with pytest.raises(ValidationException, match=f"CustomCookbooksSource.*{why}"):
        root.stack(CustomCookbooksSource=source)


@pytest.mark.parametrize("type", ["svn", "archive"])
def test_01_section_6_2_a_windows_stack_takes_cookbooks_from_git_and_s3_only(root: Caller, type: str) -> None:
    url = "https://example.org/cookbooks"

    with pytest.raises(ValidationException, match="one of git, s3"):
        root.stack(DefaultOs=WINDOWS, CustomCookbooksSource={"Type": type, "Url": url})

    root.stack(DefaultOs=WINDOWS, CustomCookbooksSource={"Type": "git", "Url": url})
    root.stack(CustomCookbooksSource={"Type": type, "Url": url})


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"AgentVersion": "1.0.0"}, "AgentVersion must be LATEST"),
        ({"DefaultRootDeviceType": "instance-store"}, "DefaultRootDeviceType must be ebs"),
        ({"ConfigurationManager": {"Version": "12"}}, "12.2 is for Windows"),
    ],
    ids=["agent", "root-device", "manager"],
)
def test_01_section_3_what_a_windows_stack_cannot_have(root: Caller, members: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationException, match=why):
        root.stack(DefaultOs=WINDOWS, **members)


def test_01_section_8_1_versions_of_chef_11_may_be_changed_for_one_another_and_not_for_12(root: Caller) -> None:
    stack = root.stack(ConfigurationManager={"Name": "Chef", "Version": "11.4"})

    root("UpdateStack", StackId=stack, ConfigurationManager={"Version": "11.10"})

    assert shown(root, stack)["ConfigurationManager"] == {"Name": "Chef", "Version": "11.10"}
    for version, why in (("12", "cannot change from version 11.10 to 12"), ("13", "'13' is unknown")):
        with pytest.raises(ValidationException, match=why):
            root("UpdateStack", StackId=stack, ConfigurationManager={"Version": version})
    with pytest.raises(ValidationException, match="Name must be Chef"):
        root("UpdateStack", StackId=stack, ConfigurationManager={"Name": "Puppet"})


def test_01_section_6_5_berkshelf_is_kept_and_echoed_with_a_version(root: Caller) -> None:
    stack = root.stack()
    assert shown(root, stack)["ChefConfiguration"] == {"ManageBerkshelf": False}

    root("UpdateStack", StackId=stack, ChefConfiguration={"ManageBerkshelf": True})

    assert shown(root, stack)["ChefConfiguration"] == {"ManageBerkshelf": True, "BerkshelfVersion": "3.2.0"}


def test_09_section_6_empty_strings_of_a_skeleton_change_nothing(root: Caller) -> None:
    stack = root.stack(CustomJson='{"a": 1}', DefaultSshKeyName="key", CustomCookbooksSource=SOURCE)
    before = shown(root, stack)

    texts = (
        "Name ServiceRoleArn DefaultInstanceProfileArn DefaultOs HostnameTheme DefaultAvailabilityZone DefaultSubnetId"
        " CustomJson DefaultSshKeyName DefaultRootDeviceType AgentVersion"
    )
    empty: dict[str, Any] = dict.fromkeys(texts.split(), "")
    empty["Attributes"] = {"KeyName": ""}
    empty["ConfigurationManager"] = {"Name": "", "Version": ""}
    empty["ChefConfiguration"] = {"BerkshelfVersion": ""}
    empty["CustomCookbooksSource"] = dict.fromkeys(("Type", "Url", "Username", "Password", "SshKey", "Revision"), "")
    root("UpdateStack", StackId=stack, **empty)

    assert shown(root, stack) == before
    with pytest.raises(ValidationException, match="Name is required"):
        root.stack(Name="")


def test_01_section_2_attributes_are_merged_and_know_one_key(root: Caller) -> None:
    stack = root.stack(Attributes={"Color": "rgb(45, 114, 184)"})
    root("UpdateStack", StackId=stack, Attributes={})

    assert shown(root, stack)["Attributes"] == {"Color": "rgb(45, 114, 184)"}
    with pytest.raises(ValidationException, match="no key 'Colour': the keys are Color"):
        root("UpdateStack", StackId=stack, Attributes={"Colour": "x"})


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


def test_01_26_deleting_a_stack_frees_its_volume(root: Caller) -> None:
    first, second = root.stack(), root.stack()
    root("RegisterVolume", StackId=first, Ec2VolumeId="vol-1")
    with pytest.raises(ValidationException):
        root("RegisterVolume", StackId=second, Ec2VolumeId="vol-1")

    root("DeleteStack", StackId=first)

    assert root("RegisterVolume", StackId=second, Ec2VolumeId="vol-1")["VolumeId"]


def test_01_30_the_summary_counts_and_leaves_zeros_out(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    up = root.instance(stack, layer)
    root.instance(stack, layer)
    root.bring_online(up)

    summary = root("DescribeStackSummary", StackId=stack)["StackSummary"]

    assert summary["InstancesCount"] == {"Online": 1, "Stopped": 1}
    assert (summary["LayersCount"], summary["AppsCount"]) == (1, 0)


# InstancesCount of the model, in the order of chapter 01 § 12.
COUNTED = (
    "Assigning Booting ConnectionLost Deregistering Online Pending Rebooting Registered Registering Requested"
    " RunningSetup SetupFailed ShuttingDown StartFailed StopFailed Stopped Stopping Terminated Terminating Unassigning"
)


def test_01_30_every_status_is_counted_under_the_model_s_name(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    with root.services.database.write() as conn:
        now = root.services.database.now(conn)
        for status in Status:
            instances.add(
                conn,
                Instance(
                    id=f"i-{status}",
                    stack_id=stack,
                    hostname=status.value.replace("_", "-"),
                    layer_ids=(layer,),
                    status=status,
                    since=now,
                    persistent=True,
                    infrastructure_class="ec2",
                    provider="sandbox",
                    created_at=now,
                ),
                InstanceDetails(os="Debian 12"),
            )

    counts = root("DescribeStackSummary", StackId=stack)["StackSummary"]["InstancesCount"]

    assert counts == dict.fromkeys(COUNTED.split(), 1)


def test_01_32_agent_versions_by_ruling_6_are_those_of_a_stack_of_a_manager_or_all(root: Caller) -> None:
    """The ruling stands over the chapter, which wanted one of the two: a catalogue is told whole when nothing is named."""
    stack, manager = root.stack(), {"Name": "Chef", "Version": "11.10"}

    def managers(**asked: Any) -> list[str]:
        found = root("DescribeAgentVersions", **asked)["AgentVersions"]
        return [each["ConfigurationManager"]["Version"] for each in found]

    assert managers(StackId=stack) == ["12"]
    assert managers(ConfigurationManager=manager) == ["11.10"]
    assert {"12", "11.10"} <= set(managers())
    with pytest.raises(ValidationException, match="either StackId or ConfigurationManager, and only one of them"):
        root("DescribeAgentVersions", StackId=stack, ConfigurationManager=manager)


def test_01_33_an_instance_s_agent_version_stays_apart_from_its_stack_s(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    pinned, follows = root.instance(stack, layer, AgentVersion="0.1.0"), root.instance(stack, layer)

    root("UpdateStack", StackId=stack, AgentVersion="0.2.0")
    root("UpdateStack", StackId=stack, AgentVersion="LATEST")

    versions = {i["InstanceId"]: i["AgentVersion"] for i in root("DescribeInstances", StackId=stack)["Instances"]}
    assert versions == {pinned: "0.1.0", follows: "INHERIT"}
    assert shown(root, stack)["AgentVersion"] == "LATEST"


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


def test_s3_the_slug_is_unique_where_the_name_is_not(root: Caller) -> None:
    ids = [root.stack(Name="My Shop") for _ in range(3)]

    with root.services.database.read() as conn:
        assert [each.slug for each in stacks.by_ids(conn, ids).values()] == ["my-shop", "my-shop-2", "my-shop-3"]


def test_s3_the_slug_stays_when_the_stack_is_renamed(root: Caller) -> None:
    stack = root.stack(Name="My Shop")

    root("UpdateStack", StackId=stack, Name="Our Shop")

    with root.services.database.read() as conn:
        renamed = stacks.get(conn, stack)
    assert renamed is not None
    assert (renamed.name, renamed.slug) == ("Our Shop", "my-shop")
