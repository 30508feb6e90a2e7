"""Elastic IPs: where an address may be, what moves it, and who hears of it (chapter 08 §§ 1 and 2)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.domain.instance import Status
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.store import configures, events, instances, world

IP = "203.0.113.7"
OTHER = "203.0.113.8"


def registered(root: Caller, ip: str = IP) -> tuple[str, str, str]:
    """An address with a stack of two stopped instances: the stack's id and theirs."""
    stack = root.stack()
    layer = root.layer(stack)
    root("RegisterElasticIp", StackId=stack, ElasticIp=ip)
    return stack, root.instance(stack, layer), root.instance(stack, layer)


def place_of(root: Caller, ip: str = IP) -> str | None:
    shown: dict[str, Any] = root("DescribeElasticIps", Ips=[ip])["ElasticIps"][0]
    return shown.get("InstanceId")


def address_of(root: Caller, instance_id: str) -> str | None:
    shown: dict[str, Any] = root("DescribeInstances", InstanceIds=[instance_id])["Instances"][0]
    return shown.get("ElasticIp")


def configures_due(root: Caller, stack_id: str) -> str | None:
    """Why the stack's instances are due a Configure; None where they are not. Asking forgets it."""
    with root.services.database.write() as conn:
        due = configures.get(conn, stack_id)
        if due is None:
            return None
        assert configures.swap(conn, due, None)
        return due.cause


def test_an_address_is_registered_shown_named_and_deregistered(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()

    assert root("RegisterElasticIp", StackId=stack, ElasticIp=IP) == {"ElasticIp": IP}
    root("UpdateElasticIp", ElasticIp=IP, Name="front door")

    shown = {"Ip": IP, "Name": "front door", "Domain": "standard", "Region": "local"}
    assert root("DescribeElasticIps", StackId=stack) == {"ElasticIps": [shown]}
    root("DeregisterElasticIp", ElasticIp=IP)
    assert root("DescribeElasticIps", StackId=stack) == {"ElasticIps": []}


def test_an_address_of_a_stack_in_a_vpc_says_so(root: Caller) -> None:
    stack = root.stack(VpcId="vpc-1", DefaultSubnetId="subnet-1")
    root("RegisterElasticIp", StackId=stack, ElasticIp=IP)

    assert root("DescribeElasticIps", Ips=[IP])["ElasticIps"][0]["Domain"] == "vpc"


def test_08_1_an_address_is_registered_with_one_stack_at_a_time(root_on_either: Caller) -> None:
    root = root_on_either
    first, second = root.stack(), root.stack(Name="other")
    root("RegisterElasticIp", StackId=first, ElasticIp=IP)

    for stack in (first, second):
        with pytest.raises(ValidationException, match=f"{IP} is registered already: .* with stack {first} first"):
            root("RegisterElasticIp", StackId=stack, ElasticIp=IP)

    root("DeregisterElasticIp", ElasticIp=IP)
    root("RegisterElasticIp", StackId=second, ElasticIp=IP)


def test_who_may_not_see_the_other_stack_is_not_told_which_it_is(root: Caller) -> None:
    own, hidden = root.stack(), root.stack(Name="hidden")
    root("RegisterElasticIp", StackId=hidden, ElasticIp=IP)
    ann = root.as_user("ann")
    root("CreateUserProfile", IamUserArn=ann.principal.arn)
    root("SetPermission", StackId=own, IamUserArn=ann.principal.arn, Level="manage")

    with pytest.raises(ValidationException, match="with its stack first"):
        ann("RegisterElasticIp", StackId=own, ElasticIp=IP)


@pytest.mark.parametrize(
    "ip", ["", "shop.example", "203.0.113", "203.0.113.256", "2001:db8::1", "127.0.0.1", "0.0.0.0"]
)
def test_what_is_no_address_is_not_registered(root: Caller, ip: str) -> None:
    with pytest.raises(ValidationException, match="ElasticIp"):
        root("RegisterElasticIp", StackId=root.stack(), ElasticIp=ip)


@pytest.mark.parametrize("online", [False, True], ids=["stopped", "online"])
def test_08_3_and_04_7_an_address_goes_to_an_instance_whatever_its_status(root: Caller, online: bool) -> None:
    stack, one, _ = registered(root)
    if online:
        root.bring_online(one)
    configures_due(root, stack)

    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)

    assert (place_of(root), address_of(root, one)) == (one, IP)
    assert "203.0.113.7 is on app1 now" in (configures_due(root, stack) or "")


def test_08_3_and_04_7_an_address_in_use_moves_silently(root_on_either: Caller) -> None:
    root = root_on_either
    stack, one, two = registered(root)
    root.bring_online(one, two)
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)
    configures_due(root, stack)

    root("AssociateElasticIp", ElasticIp=IP, InstanceId=two)

    assert (address_of(root, one), address_of(root, two)) == (None, IP)
    assert configures_due(root, stack) == "203.0.113.7 is on app2 now, from app1"


def test_an_instance_has_one_address_and_the_former_one_is_free(root_on_either: Caller) -> None:
    root = root_on_either
    stack, one, _ = registered(root)
    root("RegisterElasticIp", StackId=stack, ElasticIp=OTHER)
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)

    root("AssociateElasticIp", ElasticIp=OTHER, InstanceId=one)

    assert (place_of(root, IP), place_of(root, OTHER), address_of(root, one)) == (None, one, OTHER)


def test_08_2_04_7_disassociating_configures_and_leaves_the_address_registered(root: Caller) -> None:
    stack, one, _ = registered(root)
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)
    configures_due(root, stack)

    root("DisassociateElasticIp", ElasticIp=IP)

    assert (place_of(root), address_of(root, one)) == (None, None)
    assert configures_due(root, stack) == "203.0.113.7 is on no instance any more"


def test_what_changes_nothing_configures_nobody(root: Caller) -> None:
    stack, one, _ = registered(root)
    root("DisassociateElasticIp", ElasticIp=IP)
    assert configures_due(root, stack) is None
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)
    configures_due(root, stack)

    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)
    root("UpdateElasticIp", ElasticIp=IP, Name="front")

    assert configures_due(root, stack) is None


def test_deregistering_an_associated_address_disassociates_it_first(root: Caller) -> None:
    stack, one, _ = registered(root)
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)
    configures_due(root, stack)

    root("DeregisterElasticIp", ElasticIp=IP)

    assert address_of(root, one) is None
    assert configures_due(root, stack) is not None
    with root.services.database.read() as conn:
        told = [each.kind for each in events.after(conn, 0, events.Wanted(stack_ids=[stack]))]
    assert told[-2:] == ["elastic_ip.disassociated", "elastic_ip.deregistered"]


def test_an_address_stays_in_its_stack(root: Caller) -> None:
    registered(root)
    elsewhere = root.stack(Name="other")
    stranger = root.instance(elsewhere, root.layer(elsewhere))

    with pytest.raises(ValidationException, match="registered with another stack than app1: please deregister it"):
        root("AssociateElasticIp", ElasticIp=IP, InstanceId=stranger)


def test_on_premises_machines_have_no_elastic_ips(root: Caller) -> None:
    _, one, _ = registered(root)
    make_on_premises(root, one)

    with pytest.raises(ValidationException, match="app1 is on-premises: elastic IPs are for instances"):
        root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)


def make_on_premises(root: Caller, instance_id: str) -> None:
    import msgspec

    with root.services.database.write() as conn:
        seen = instances.get(conn, instance_id)
        assert seen is not None
        assert instances.swap(conn, seen, msgspec.structs.replace(seen, infrastructure_class="on-premises"))


def test_08_4_a_name_has_at_most_32_characters(root: Caller) -> None:
    registered(root)

    root("UpdateElasticIp", ElasticIp=IP, Name="n" * 32)
    with pytest.raises(ValidationException, match="Name must have at most 32 printable characters, not 33"):
        root("UpdateElasticIp", ElasticIp=IP, Name="n" * 33)
    with pytest.raises(ValidationException, match="printable"):
        root("UpdateElasticIp", ElasticIp=IP, Name="a\nb")


def test_an_instance_must_be_named_and_exist(root: Caller) -> None:
    registered(root)

    with pytest.raises(ValidationException, match="InstanceId is required"):
        root("AssociateElasticIp", ElasticIp=IP)
    with pytest.raises(ResourceNotFoundException, match="Unable to find instance with ID nobody"):
        root("AssociateElasticIp", ElasticIp=IP, InstanceId="nobody")


@pytest.mark.parametrize(
    "operation",
    ["AssociateElasticIp", "DisassociateElasticIp", "UpdateElasticIp", "DeregisterElasticIp"],
)
def test_an_address_that_is_not_registered_is_not_found(root: Caller, operation: str) -> None:
    with pytest.raises(ResourceNotFoundException, match=f"Unable to find elastic IP with ID {IP}"):
        root(operation, ElasticIp=IP)


def test_08_1_each_selector_narrows_and_two_are_too_many(root: Caller) -> None:
    stack, one, _ = registered(root)
    other = root.stack(Name="other")
    root("RegisterElasticIp", StackId=other, ElasticIp=OTHER)
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)

    def ips(**selector: Any) -> list[str]:
        return [each["Ip"] for each in root("DescribeElasticIps", **selector)["ElasticIps"]]

    assert ips(StackId=stack) == ips(InstanceId=one) == ips(Ips=[IP]) == [IP]
    assert ips(Ips=[OTHER, IP]) == [IP, OTHER]
    with pytest.raises(ValidationException, match="StackId or InstanceId or one or more Ips, and only one of them"):
        ips(StackId=stack, Ips=[IP])
    with pytest.raises(ValidationException, match="StackId or InstanceId or one or more Ips$"):
        ips()
    with pytest.raises(ResourceNotFoundException, match=r"203\.0\.113\.99"):
        ips(Ips=[IP, "203.0.113.99"])


def test_one_sees_what_one_may_see(root: Caller) -> None:
    stack, *_ = registered(root)
    root("RegisterElasticIp", StackId=root.stack(Name="hidden"), ElasticIp=OTHER)
    ann = root.as_user("ann")
    root("CreateUserProfile", IamUserArn=ann.principal.arn)
    with pytest.raises(AccessDeniedException):
        ann("DescribeElasticIps", StackId=stack)

    root("SetPermission", StackId=stack, IamUserArn=ann.principal.arn, Level="show")

    assert [each["Ip"] for each in ann("DescribeElasticIps", StackId=stack)["ElasticIps"]] == [IP]
    with pytest.raises(AccessDeniedException):
        ann("DescribeElasticIps", Ips=[OTHER])
    with pytest.raises(AccessDeniedException):
        ann("UpdateElasticIp", ElasticIp=IP, Name="mine")


def test_associating_needs_manage_on_the_stacks_of_both(root: Caller) -> None:
    stack, one, _ = registered(root)
    elsewhere = root.stack(Name="other")
    stranger = root.instance(elsewhere, root.layer(elsewhere))
    ann = root.as_user("ann")
    root("CreateUserProfile", IamUserArn=ann.principal.arn)
    root("SetPermission", StackId=stack, IamUserArn=ann.principal.arn, Level="manage")
    root("SetPermission", StackId=elsewhere, IamUserArn=ann.principal.arn, Level="show")

    with pytest.raises(AccessDeniedException, match="opsworks:Ass"):
        ann("AssociateElasticIp", ElasticIp=IP, InstanceId=stranger)
    ann("AssociateElasticIp", ElasticIp=IP, InstanceId=one)


def test_03_12_an_address_goes_with_its_instance_unless_told_otherwise(root_on_either: Caller) -> None:
    root = root_on_either
    stack, one, two = registered(root)
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)
    configures_due(root, stack)

    root("DeleteInstance", InstanceId=one, DeleteElasticIp=False)

    assert root("DescribeElasticIps", StackId=stack)["ElasticIps"] == [
        {"Ip": IP, "Domain": "standard", "Region": "local"}
    ]
    assert configures_due(root, stack) is not None
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=two)
    root("DeleteInstance", InstanceId=two)
    assert root("DescribeElasticIps", StackId=stack) == {"ElasticIps": []}


def test_a_stopped_instance_keeps_its_address(root: Caller) -> None:
    _, one, _ = registered(root)
    root.bring_online(one)
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)

    root.bring(one, Status.SHUTTING_DOWN, Status.STOPPING, Status.STOPPED)

    assert address_of(root, one) == IP


def test_recipes_see_the_address_of_each_instance(root: Caller) -> None:
    stack, one, two = registered(root)
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)

    with root.services.database.read() as conn:
        seen = world.load(conn, root.services.vault, stack, account_id="1")

    assert seen is not None
    assert {each.id: each.elastic_ip for each in seen.instances} == {one: IP, two: None}


def test_a_policy_is_made_anew_when_an_address_has_moved(root: Caller) -> None:
    stack, one, _ = registered(root)

    def change() -> int | None:
        with root.services.database.read() as conn:
            return world.change_of(conn, stack)

    before = change()
    root("AssociateElasticIp", ElasticIp=IP, InstanceId=one)
    between = change()
    root("DisassociateElasticIp", ElasticIp=IP)

    assert before != between != change()


def test_01_26_deleting_a_stack_frees_its_address(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    root("RegisterElasticIp", StackId=stack, ElasticIp=IP)

    root("DeleteStack", StackId=stack)

    root("RegisterElasticIp", StackId=root.stack(), ElasticIp=IP)
