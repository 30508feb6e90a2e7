"""Data bags at their four levels: listed by level and in pages, deleted by version or whole."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import (
    AccessDeniedException,
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)


@pytest.fixture
def house(root_on_either: Caller) -> dict[str, str]:
    """One item `shop/smtp` at each level, and `shop/tax` at the stack's."""
    root = root_on_either
    stack = root.stack()
    layer = root.layer(stack)
    owners = {"layer": layer, "app": root.app(stack), "instance": root.instance(stack, layer)}
    for item in ("smtp", "tax"):
        root("PutDataBagItem", StackId=stack, Bag="shop", Item=item, Value={"at": "stack"})
    for level, owner in owners.items():
        place = {"Level": level, "OwnerId": owner}
        root("PutDataBagItem", StackId=stack, Bag="shop", Item="smtp", Value={"at": level}, **place)
    return owners | {"stack": stack}


def listed(root: Caller, stack: str, **wanted: Any) -> list[str]:
    found = root("DescribeDataBags", StackId=stack, **wanted)["Items"]
    return [f"{each['Item']}@{each['Level']}" for each in found]


def test_items_are_listed_by_bag_level_and_owner(root_on_either: Caller, house: dict[str, str]) -> None:
    root, stack = root_on_either, house["stack"]

    assert listed(root, stack) == ["smtp@app", "smtp@instance", "smtp@layer", "smtp@stack", "tax@stack"]
    assert listed(root, stack, Level="stack") == ["smtp@stack", "tax@stack"]
    assert listed(root, stack, Level="layer", OwnerId=house["layer"]) == ["smtp@layer"]
    assert listed(root, stack, Bag="other") == []


def test_items_written_meanwhile_move_no_page(root_on_either: Caller, house: dict[str, str]) -> None:
    root, stack = root_on_either, house["stack"]
    first = root("DescribeDataBags", StackId=stack, MaxResults=3)
    root("PutDataBagItem", StackId=stack, Bag="a", Item="new", Value={})
    second = root("DescribeDataBags", StackId=stack, MaxResults=3, NextToken=first["NextToken"])

    assert [each["Level"] for each in first["Items"] + second["Items"]] == [
        "app",
        "instance",
        "layer",
        "stack",
        "stack",
    ]
    assert "NextToken" not in second


def test_an_item_is_deleted_only_at_the_version_that_was_read(root_on_either: Caller) -> None:
    root = root_on_either
    item = {"StackId": root.stack(), "Bag": "shop", "Item": "smtp"}
    root("PutDataBagItem", **item, Value={"n": 1})
    root("PutDataBagItem", **item, Value={"n": 2})

    with pytest.raises(ConflictException, match="shop/smtp is not at version 1 any more: please read it again"):
        root("DeleteDataBagItem", **item, Version=1)
    root("DeleteDataBagItem", **item, Version=2)
    with pytest.raises(ResourceNotFoundException, match="smtp in data bag shop"):
        root("DeleteDataBagItem", **item, Version=2)


def test_a_bag_is_deleted_at_one_level_or_whole(root_on_either: Caller, house: dict[str, str]) -> None:
    root, stack = root_on_either, house["stack"]
    root("PutDataBagItem", StackId=stack, Bag="kept", Item="i", Value={})

    assert root("DeleteDataBag", StackId=stack, Bag="shop", Level="app", OwnerId=house["app"]) == {"ItemsDeleted": 1}
    assert root("DeleteDataBag", StackId=stack, Bag="shop") == {"ItemsDeleted": 4}
    assert listed(root, stack) == ["i@stack"]
    with pytest.raises(ResourceNotFoundException, match=f"Unable to find data bag shop in stack {stack} at level app"):
        root("DeleteDataBag", StackId=stack, Bag="shop", Level="app")


def test_an_owner_needs_its_level_and_is_the_stack_s(root: Caller) -> None:
    stack = root.stack()
    foreign = root.layer(root.stack())

    with pytest.raises(ValidationException, match="is OwnerId a layer, an app or an instance") as refused:
        root("DescribeDataBags", StackId=stack, OwnerId=foreign)
    assert refused.value.field == "Level"
    with pytest.raises(ResourceNotFoundException, match=f"layer with ID {foreign} in stack {stack}"):
        root("DescribeDataBags", StackId=stack, Level="layer", OwnerId=foreign)


def test_deleting_bags_needs_manage_and_is_recorded(root: Caller) -> None:
    stack = root.stack()
    root("PutDataBagItem", StackId=stack, Bag="shop", Item="i", Value={})
    arn = root("CreateUser", UserName="ann")["UserArn"]
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="deploy")

    with pytest.raises(AccessDeniedException):
        root.as_user("ann")("DeleteDataBag", StackId=stack, Bag="shop")
    root("DeleteDataBag", StackId=stack, Bag="shop")

    told = root("DescribeAuditEvents", Action="DeleteDataBag")["Events"]
    assert [each.get("ErrorCode") for each in told] == [None, "AccessDeniedException"]
    assert told[0]["RequestParameters"] == {"StackId": stack, "Bag": "shop"}


def test_attributes_are_listed_by_level_and_in_pages(root: Caller) -> None:
    stack = root.stack()
    layers = [root.layer(stack, name) for name in ("one", "two", "three")]
    for each in layers:
        root("SetAttributes", Level="layer", OwnerId=each, CustomJson='{"a": 1}')
    app = root.app(stack)
    root("SetAttributes", Level="app", OwnerId=app, CustomJson='{"a": 1}')

    first = root("DescribeAttributes", StackId=stack, Level="layer", MaxResults=2)
    rest = root("DescribeAttributes", StackId=stack, Level="layer", MaxResults=2, NextToken=first["NextToken"])

    assert {each["OwnerId"] for each in first["Attributes"] + rest["Attributes"]} == set(layers)
    assert [each["OwnerId"] for each in root("DescribeAttributes", StackId=stack, Level="app")["Attributes"]] == [app]
