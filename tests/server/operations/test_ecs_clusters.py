from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import (
    AccessDeniedException,
    ResourceNotFoundException,
    ValidationException,
)

ONE = "arn:aws:ecs:eu-west-1:123456789012:cluster/one"
TWO = "arn:aws:ecs:eu-west-1:123456789012:cluster/two"


def register(root: Caller, stack: str, arn: str = ONE) -> None:
    assert root("RegisterEcsCluster", EcsClusterArn=arn, StackId=stack) == {"EcsClusterArn": arn}


def described(root: Caller, **members: Any) -> list[str]:
    return [each["EcsClusterArn"] for each in root("DescribeEcsClusters", **members)["EcsClusters"]]


def cluster_layer(root: Caller, stack: str, arn: str = ONE) -> str:
    return root.layer(stack, "ecs", Type="ecs-cluster", Attributes={"EcsClusterArn": arn})


def test_08_13_and_02_31_a_stack_has_one_cluster_and_a_cluster_one_stack(root_on_either: Caller) -> None:
    root = root_on_either
    stack, other = root.stack(), root.stack(Name="other")
    register(root, stack)

    with pytest.raises(ValidationException, match=r"the stack has the cluster one already.*deregister that first"):
        register(root, stack, TWO)
    with pytest.raises(ValidationException, match="cluster one is registered with this stack already"):
        register(root, stack)
    with pytest.raises(ValidationException, match=r"registered with another stack.*deregister it there first"):
        register(root, other)
    assert (described(root, StackId=stack), described(root, StackId=other)) == ([ONE], [])


def test_a_cluster_moves_by_deregistering_it(root: Caller) -> None:
    stack, other = root.stack(), root.stack(Name="other")
    register(root, stack)

    assert root("DeregisterEcsCluster", EcsClusterArn=ONE) == {}

    assert described(root, StackId=stack) == []
    register(root, other)
    with pytest.raises(ResourceNotFoundException, match=TWO):
        root("DeregisterEcsCluster", EcsClusterArn=TWO)


def test_08_6_a_cluster_is_described_with_its_name_stack_and_time(root: Caller) -> None:
    stack = root.stack()
    register(root, stack)

    (cluster,) = root("DescribeEcsClusters", EcsClusterArns=[ONE])["EcsClusters"]

    at = cluster.pop("RegisteredAt")
    assert at[10] == "T" and at.endswith("+00:00")
    assert cluster == {"EcsClusterArn": ONE, "EcsClusterName": "one", "StackId": stack}


@pytest.mark.parametrize(
    "arn",
    ["one", "arn:aws:ecs:eu-west-1:123456789012:cluster/", "arn:aws:ecs:eu:1:cluster/c", ONE + "/x", ONE + " "],
)
def test_what_is_no_cluster_is_refused(root: Caller, arn: str) -> None:
    with pytest.raises(ValidationException, match="EcsClusterArn .* is not the ARN of a cluster, such as arn:"):
        register(root, root.stack(), arn)


def test_a_windows_stack_has_no_cluster(root: Caller) -> None:
    with pytest.raises(ValidationException, match="clusters need Linux"):
        register(root, root.stack(DefaultOs="Microsoft Windows Server 2012 R2 Base"))


def test_08_6_a_layer_names_the_cluster_of_its_stack(root: Caller) -> None:
    stack = root.stack()
    with pytest.raises(ValidationException, match=r"EcsClusterArn .* is not registered.*RegisterEcsCluster first"):
        cluster_layer(root, stack)
    register(root, stack)
    with pytest.raises(ValidationException, match=f"must be the cluster of the stack, {ONE}, not {TWO}"):
        cluster_layer(root, stack, TWO)
    with pytest.raises(ValidationException, match="EcsClusterArn is missing"):
        root.layer(stack, "ecs", Type="ecs-cluster")
    with pytest.raises(ValidationException, match="Attributes.EcsClusterArn 'arn:aws:ecs:x' is not the ARN"):
        cluster_layer(root, stack, "arn:aws:ecs:x")

    layer = cluster_layer(root, stack)

    with pytest.raises(ValidationException, match="already has a layer of type ecs-cluster"):
        cluster_layer(root, stack)
    with pytest.raises(ValidationException, match="must be the cluster of the stack"):
        root("UpdateLayer", LayerId=layer, Attributes={"EcsClusterArn": TWO})


def test_08_6_a_cluster_and_its_layer_go_separately(root: Caller) -> None:
    stack = root.stack()
    register(root, stack)
    layer = cluster_layer(root, stack)

    root("DeregisterEcsCluster", EcsClusterArn=ONE)
    root("UpdateLayer", LayerId=layer, Name="still here")
    register(root, stack, TWO)
    root("UpdateLayer", LayerId=layer, Attributes={"EcsClusterArn": TWO})

    root("DeleteLayer", LayerId=layer)
    assert described(root, StackId=stack) == [TWO]


def test_an_instance_of_a_cluster_layer_says_its_cluster(root: Caller) -> None:
    stack = root.stack()
    register(root, stack)
    mine = root.layer(stack, "mine")
    inside, outside = root.instance(stack, cluster_layer(root, stack), mine), root.instance(stack, mine)

    found = {each["InstanceId"]: each for each in root("DescribeInstances", StackId=stack)["Instances"]}
    assert found[inside]["EcsClusterArn"] == ONE
    assert "EcsClusterArn" not in found[outside]


# -- pages --------------------------------------------------------------------------------------------------------------


def three(root: Caller) -> list[str]:
    arns = [f"{ONE}-{number}" for number in range(3)]
    for number, arn in enumerate(arns):
        register(root, root.stack(Name=f"stack {number}"), arn)
    return arns


def test_08_13_and_09_24_clusters_come_in_pages(root: Caller) -> None:
    arns = three(root)
    seen, token = [], None

    while True:
        answer = root("DescribeEcsClusters", EcsClusterArns=arns[::-1], MaxResults=1, NextToken=token)
        seen.append([each["EcsClusterArn"] for each in answer["EcsClusters"]])
        if (token := answer.get("NextToken")) is None:
            break

    assert seen == [[arn] for arn in arns]
    assert "NextToken" not in root("DescribeEcsClusters", EcsClusterArns=arns, MaxResults=3)
    assert "NextToken" not in root("DescribeEcsClusters", EcsClusterArns=arns)


def test_09_section_9_zero_is_no_size_and_counts_as_none(root: Caller) -> None:
    arns = three(root)

    assert described(root, EcsClusterArns=arns, MaxResults=0, NextToken="") == arns


@pytest.mark.parametrize("size", [-1, 101, 1000])
def test_09_section_9_a_page_has_1_to_100_records(root: Caller, size: int) -> None:
    with pytest.raises(ValidationException, match=f"MaxResults must be 1 to 100, not {size}"):
        root("DescribeEcsClusters", StackId=root.stack(), MaxResults=size)


def test_09_24_a_bad_token_is_refused(root: Caller) -> None:
    arns = three(root)
    token = root("DescribeEcsClusters", EcsClusterArns=arns, MaxResults=1)["NextToken"]

    for wrong in ("nonsense", token[:-1], token + "A", token.swapcase()):
        with pytest.raises(ValidationException, match="NextToken is not one that this server gave"):
            root("DescribeEcsClusters", EcsClusterArns=arns, MaxResults=1, NextToken=wrong)


def test_09_section_9_a_token_leads_on_in_its_own_list_only(root: Caller) -> None:
    arns = three(root)
    token = root("DescribeEcsClusters", EcsClusterArns=arns, MaxResults=1)["NextToken"]

    assert described(root, EcsClusterArns=arns, MaxResults=2, NextToken=token) == arns[1:]
    for other in ({"EcsClusterArns": arns[:2]}, {"StackId": root.stack()}):
        with pytest.raises(ValidationException, match="gave for this request"):
            root("DescribeEcsClusters", **other, NextToken=token)


def test_09_section_9_a_token_is_good_for_an_hour(root: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    arns = three(root)
    token = root("DescribeEcsClusters", EcsClusterArns=arns, MaxResults=1)["NextToken"]
    clock, database = root.services.database.now, root.services.database

    monkeypatch.setattr(database, "now", lambda conn: clock(conn) + timedelta(minutes=61))

    with pytest.raises(ValidationException, match="NextToken is more than an hour old"):
        root("DescribeEcsClusters", EcsClusterArns=arns, MaxResults=1, NextToken=token)


def test_ruling_6_describe_wants_one_selector(root: Caller) -> None:
    stack = root.stack()
    register(root, stack)

    for wrong in ({}, {"StackId": stack, "EcsClusterArns": [ONE]}, {"MaxResults": 1}):
        with pytest.raises(ValidationException, match="Please provide either one or more EcsClusterArns or StackId"):
            root("DescribeEcsClusters", **wrong)
    with pytest.raises(ResourceNotFoundException, match=TWO):
        root("DescribeEcsClusters", EcsClusterArns=[ONE, TWO])


def test_07_the_actions_ask_for_manage(root: Caller) -> None:
    stack = root.stack()
    register(root, stack)
    stranger = root.as_user("stranger")

    for action, members in (
        ("RegisterEcsCluster", {"EcsClusterArn": TWO, "StackId": stack}),
        ("DeregisterEcsCluster", {"EcsClusterArn": ONE}),
        ("DescribeEcsClusters", {"EcsClusterArns": [ONE]}),
        ("DescribeEcsClusters", {"StackId": stack}),
    ):
        with pytest.raises(AccessDeniedException):
            stranger(action, **members)
