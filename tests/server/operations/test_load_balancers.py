from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.server.operations.calls import Caller
from toque_server.domain.instance import Status
from toque_server.operations.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    ValidationException,
)
from toque_server.store import balancers, configures, instances


def attach(root: Caller, layer: str, name: str = "web-elb") -> None:
    assert root("AttachElasticLoadBalancer", ElasticLoadBalancerName=name, LayerId=layer) == {}


def detach(root: Caller, layer: str, name: str = "web-elb") -> None:
    assert root("DetachElasticLoadBalancer", ElasticLoadBalancerName=name, LayerId=layer) == {}


def described(root: Caller, **selector: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = root("DescribeElasticLoadBalancers", **selector)["ElasticLoadBalancers"]
    return found


def due(root: Caller, stack: str) -> str | None:
    """Why the stack's online instances are due a Configure."""
    with root.services.database.read() as conn:
        found = configures.get(conn, stack)
    return None if found is None else found.cause


def forget_due(root: Caller, stack: str) -> None:
    with root.services.database.write() as conn:
        seen = configures.get(conn, stack)
        assert seen is not None
        configures.swap(conn, seen, None)


def test_08_10_and_02_22_one_balancer_per_layer_and_one_layer_per_balancer(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    web, api = root.layer(stack, "front"), root.layer(stack, "api")
    attach(root, web)

    with pytest.raises(ValidationException, match=r"the layer has the load balancer web-elb.*detach that first"):
        attach(root, web, "other-elb")
    with pytest.raises(ValidationException, match=r"web-elb is attached to layer front.*detach it there first"):
        attach(root, api)
    with pytest.raises(ValidationException, match="attached to this layer already"):
        attach(root, web)
    assert [each["LayerId"] for each in described(root, StackId=stack)] == [web]


def test_a_balancer_of_another_stack_is_not_told_more_of_than_that(root: Caller) -> None:
    attach(root, root.layer(root.stack(), "secret-project"))

    with pytest.raises(ValidationException, match="a layer of another stack") as refused:
        attach(root, root.layer(root.stack(Name="other"), "front"))
    assert "secret-project" not in str(refused.value)


def test_the_same_name_in_another_region_is_another_balancer(root: Caller) -> None:
    attach(root, root.layer(root.stack(Region="east")))
    attach(root, root.layer(root.stack(Region="west")))


def test_08_11_and_02_21_attach_makes_a_configure_due_and_shows_the_online_instances_of_the_layer(root: Caller) -> None:
    stack = root.stack()
    web, api = root.layer(stack, "front"), root.layer(stack, "api")
    one, two, of_api, stopped = (root.instance(stack, each) for each in (web, web, api, web))
    root.bring_online(one, two, of_api)

    attach(root, web)

    assert due(root, stack) == "load balancer web-elb was attached to layer front"
    assert sorted(described(root, LayerIds=[web])[0]["Ec2InstanceIds"]) == sorted([f"m-{one}", f"m-{two}"])
    assert stopped not in str(described(root, LayerIds=[web]))


def test_08_12_and_02_25_an_instance_is_served_from_online_on_and_not_while_it_runs_setup(root: Caller) -> None:
    stack = root.stack()
    web = root.layer(stack, "front")
    attach(root, web)
    instance = root.instance(stack, web)

    for status in (Status.REQUESTED, Status.PENDING, Status.BOOTING, Status.RUNNING_SETUP):
        root.bring(instance, status)
        assert described(root, StackId=stack)[0]["Ec2InstanceIds"] == []
    root.bring(instance, Status.ONLINE)
    assert described(root, StackId=stack)[0]["Ec2InstanceIds"] == ["m-1"]
    root.bring(instance, Status.RUNNING_SETUP)
    assert described(root, StackId=stack)[0]["Ec2InstanceIds"] == []


def test_an_on_premises_machine_is_not_served(root: Caller) -> None:
    stack = root.stack()
    web = root.layer(stack, "front")
    attach(root, web)
    instance = root.instance(stack, web)
    root.bring_online(instance)
    with root.services.database.write() as conn:
        seen = instances.get(conn, instance)
        assert seen is not None
        assert instances.swap(conn, seen, msgspec.structs.replace(seen, infrastructure_class="on-premises"))

    assert described(root, StackId=stack)[0]["Ec2InstanceIds"] == []


def test_02_23_detach_makes_a_configure_due_and_frees_layer_and_balancer(root: Caller) -> None:
    stack = root.stack()
    web, api = root.layer(stack, "front"), root.layer(stack, "api")
    attach(root, web)
    forget_due(root, stack)

    detach(root, web)

    assert due(root, stack) == "load balancer web-elb was detached from layer front"
    assert described(root, StackId=stack) == []
    attach(root, api)
    attach(root, web, "other-elb")


def test_detaching_what_is_not_attached_is_not_found(root: Caller) -> None:
    stack = root.stack()
    web, api = root.layer(stack, "front"), root.layer(stack, "api")
    attach(root, web)

    with pytest.raises(ResourceNotFoundException, match=r"other-elb attached to layer .*: it has web-elb"):
        detach(root, web, "other-elb")
    with pytest.raises(ResourceNotFoundException, match=r"web-elb attached to layer .*: it has none"):
        detach(root, api)
    with pytest.raises(ResourceNotFoundException, match="layer with ID nothing"):
        detach(root, "nothing")


def test_l_19_deleting_a_layer_detaches_its_balancer(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    web, api = root.layer(stack, "front"), root.layer(stack, "api")
    attach(root, web)
    forget_due(root, stack)

    root("DeleteLayer", LayerId=web)

    assert due(root, stack) == "load balancer web-elb was detached from layer front"
    attach(root, api)


def test_deleting_a_layer_without_a_balancer_makes_no_configure_due(root: Caller) -> None:
    stack = root.stack()

    root("DeleteLayer", LayerId=root.layer(stack))

    assert due(root, stack) is None


def test_02_35_a_balancer_is_described_with_name_region_dns_name_stack_layer_and_members(root: Caller) -> None:
    stack = root.stack(Region="eu-west-1", VpcId="vpc-1", DefaultSubnetId="subnet-1")
    web = root.layer(stack, "front")
    attach(root, web)
    instance = root.instance(stack, web)
    root.bring_online(instance)
    with root.services.database.write() as conn:
        seen = balancers.get(conn, "eu-west-1", "web-elb")
        assert seen is not None
        balancers.update(conn, msgspec.structs.replace(seen, dns_name="web-elb.example.org"))

    assert described(root, LayerIds=[web]) == [
        {
            "ElasticLoadBalancerName": "web-elb",
            "Region": "eu-west-1",
            "DnsName": "web-elb.example.org",
            "StackId": stack,
            "LayerId": web,
            "VpcId": "vpc-1",
            "AvailabilityZones": ["eu-west-1a"],
            "SubnetIds": ["subnet-1"],
            "Ec2InstanceIds": [f"m-{instance}"],
        }
    ]


def test_ruling_6_describe_wants_one_selector(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)

    for wrong in ({}, {"StackId": stack, "LayerIds": [layer]}):
        with pytest.raises(ValidationException, match="Please provide either StackId or one or more LayerIds"):
            described(root, **wrong)
    with pytest.raises(ResourceNotFoundException, match="layer with ID nothing"):
        described(root, LayerIds=["nothing"])


@pytest.mark.parametrize("name", ["-elb", "elb-", "e" * 33, "a_b", "a b", "a/b", "ü"])
def test_a_name_that_no_classic_balancer_can_have_is_refused(root: Caller, name: str) -> None:
    with pytest.raises(ValidationException, match="ElasticLoadBalancerName.*1 to 32 letters"):
        attach(root, root.layer(root.stack()), name)


def test_07_attach_and_detach_ask_for_manage(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    attach(root, layer)
    stranger = root.as_user("stranger")

    for action in ("AttachElasticLoadBalancer", "DetachElasticLoadBalancer"):
        with pytest.raises(AccessDeniedException):
            stranger(action, ElasticLoadBalancerName="web-elb", LayerId=layer)
    with pytest.raises(AccessDeniedException):
        stranger("DescribeElasticLoadBalancers", StackId=stack)
