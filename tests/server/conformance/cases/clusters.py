"""ECS clusters."""

from __future__ import annotations

import pytest

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import Refused, World


def arn(name: str) -> str:
    return f"arn:aws:ecs:us-east-1:123456789012:cluster/{name}"


def _stack(w: World, name: str = "shop") -> str:
    return w.stack(Name=name, Region="us-east-1", VpcId="vpc-0a1b2c3d", DefaultSubnetId="subnet-0a1b2c3d")


def _registered(w: World, name: str = "kitchen") -> tuple[str, str]:
    stack = _stack(w, name)
    w("RegisterEcsCluster", EcsClusterArn=arn(name), StackId=stack)
    return stack, arn(name)


def layer_of(w: World, stack: str) -> None:
    """Give a stack a cluster, and a layer of it that has an instance."""
    w("RegisterEcsCluster", EcsClusterArn=arn("kitchen"), StackId=stack)
    attributes = {"EcsClusterArn": arn("kitchen")}
    w.instance(stack, w.layer(stack, "cluster", Type="ecs-cluster", Attributes=attributes))


@case("RegisterEcsCluster")
def register(w: World) -> Case:
    full, taken = _registered(w, "taken")
    stack = _stack(w)
    return Case(
        minimal={"EcsClusterArn": arn("kitchen"), "StackId": stack},
        invalid=[
            ({"EcsClusterArn": "kitchen", "StackId": _stack(w, "third")}, "kitchen"),
            ({"EcsClusterArn": taken, "StackId": _stack(w, "fourth")}, "taken"),
            ({"EcsClusterArn": arn("second"), "StackId": full}, "taken"),
        ],
        missing=[({"EcsClusterArn": arn("kitchen"), "StackId": NOWHERE}, NOWHERE)],
    )


@case("DeregisterEcsCluster")
def deregister(w: World) -> Case:
    return Case(
        minimal={"EcsClusterArn": _registered(w)[1]},
        missing=[({"EcsClusterArn": arn("nowhere")}, "nowhere")],
    )


@case("DescribeEcsClusters")
def describe(w: World) -> Case:
    stack, cluster = _registered(w)
    _registered(w, "second")
    both = {"EcsClusterArns": [cluster, arn("second")]}
    token = w("DescribeEcsClusters", MaxResults=1, **both)["NextToken"]
    return Case(
        minimal={"StackId": stack},
        fuller=[{**both, "MaxResults": 1}, {**both, "MaxResults": 1, "NextToken": token}],
        invalid=[
            ({"StackId": stack, "EcsClusterArns": [cluster]}, "Please provide"),
            ({**both, "NextToken": "made up"}, "NextToken"),
            ({**both, "MaxResults": 101}, "MaxResults"),
        ],
        missing=[({"StackId": NOWHERE}, NOWHERE), ({"EcsClusterArns": [arn("nowhere")]}, "nowhere")],
    )  # fmt: skip


def check_paging(w: World) -> None:
    """The client's own paginator follows our tokens to the end (09-24)."""
    names = ["first", "second", "third"]
    arns = [_registered(w, name)[1] for name in names]

    pages = w.pages("DescribeEcsClusters", EcsClusterArns=arns, PaginationConfig={"PageSize": 1})

    found = [each["EcsClusterName"] for page in pages for each in page["EcsClusters"]]
    assert sorted(found) == names
    with pytest.raises(Refused, match="NextToken"):
        w.pages("DescribeEcsClusters", EcsClusterArns=arns, PaginationConfig={"StartingToken": "made up"})
