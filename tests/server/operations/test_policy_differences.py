"""Policies compared: real ones, as dispatches issue them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.operations.calls import Caller
from tests.server.operations.test_data import bundle
from toque_server.cookbooks.bundles import Bundles
from toque_server.http.policy import Policies
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException


def issue(root: Caller, stack: str) -> int:
    """The policy that a dispatch now would name."""
    made = Policies(root.services, Bundles(root.services.settings.data_dir))
    with root.services.database.write() as conn:
        snapshot = made.snapshot(conn, stack)
        assert snapshot is not None
        now = root.services.database.now(conn)
        return made.for_command(conn, snapshot, root.services.new_id(), now).version


def differences(root: Caller, stack: str, **wanted: Any) -> dict[str, Any]:
    return root("DescribePolicyDifferences", StackId=stack, **wanted)


def test_each_part_that_changed_says_what_was_and_what_is(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    layer = root.layer(stack, "front")
    root.instance(stack, layer, Hostname="web1")
    gone = root.instance(stack, layer, Hostname="web2")
    first = issue(root, stack)
    root("UpdateLayer", LayerId=layer, Name="Front door")
    new = root.instance(stack, layer, Hostname="web3")
    root("DeleteInstance", InstanceId=gone)

    told = differences(root, stack, FromVersion=first, ToVersion=issue(root, stack))

    assert (told["FromVersion"], told["ToVersion"], told["Bundles"]) == (first, first + 1, [])
    parts = {each["Part"]: each for each in told["Parts"]}
    assert {each["Title"]: each["Change"] for each in parts.values()} == {
        "front": "changed",
        "web2": "removed",
        "web3": "added",
    }
    assert parts[f"layer/{layer}"]["Values"] == [{"Path": "name", "Before": '"front"', "After": '"Front door"'}]
    name = next(each for each in parts[f"instance/{new}"]["Values"] if each["Path"] == "hostname")
    assert name == {"Path": "hostname", "After": '"web3"'}
    assert parts[f"instance/{gone}"]["Kind"] == "instance"


def test_backwards_everything_is_the_other_way_round(root: Caller) -> None:
    stack = root.stack()
    first = issue(root, stack)
    root.layer(stack, "front")
    second = issue(root, stack)

    [forth] = differences(root, stack, FromVersion=first)["Parts"]
    [back] = differences(root, stack, FromVersion=second, ToVersion=first)["Parts"]

    assert (forth["Change"], back["Change"]) == ("added", "removed")
    assert [(v["Path"], v["After"]) for v in forth["Values"]] == [(v["Path"], v["Before"]) for v in back["Values"]]
    assert differences(root, stack, FromVersion=first, ToVersion=first)["Parts"] == []


def test_cookbooks_are_compared_by_version(root: Caller, tmp_path: Path) -> None:
    stack = root.stack()
    root("PublishCookbooks", StackId=stack, Archive=bundle(tmp_path))
    first = issue(root, stack)
    published = root("PublishCookbooks", StackId=stack, Archive=bundle(tmp_path, "1.1.0"))

    [custom] = differences(root, stack, FromVersion=first, ToVersion=issue(root, stack))["Bundles"]

    assert (custom["Bundle"], custom["After"]) == ("custom", published["Digest"])
    assert custom["Cookbooks"] == [{"Name": "shop", "Before": "1.0.0", "After": "1.1.0"}]


def test_differences_come_in_pages(root: Caller) -> None:
    stack = root.stack()
    first = issue(root, stack)
    layers = {f"layer/{root.layer(stack, name)}" for name in ("one", "two", "three")}
    issue(root, stack)

    page = differences(root, stack, FromVersion=first, MaxResults=2)
    rest = differences(root, stack, FromVersion=first, MaxResults=2, NextToken=page["NextToken"])

    assert {each["Part"] for each in page["Parts"] + rest["Parts"]} == layers
    assert "NextToken" not in rest


def test_the_revisions_that_are_kept_are_listed_newest_first(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    issue(root, stack)
    root.layer(stack)
    issue(root, stack)
    root.layer(stack, "later")

    kept = root("DescribePolicyRevisions", StackId=stack)["Revisions"]

    assert [(each["Version"], each["IsCurrent"]) for each in kept] == [(2, False), (1, False)]
    issue(root, stack)
    page = root("DescribePolicyRevisions", StackId=stack, MaxResults=1)
    [newest] = page["Revisions"]
    assert (newest["Version"], newest["IsCurrent"]) == (3, True)
    rest = root("DescribePolicyRevisions", StackId=stack, MaxResults=5, NextToken=page["NextToken"])
    assert [each["Version"] for each in rest["Revisions"]] == [2, 1]


def test_what_is_not_kept_is_said_with_what_is(root: Caller) -> None:
    stack = root.stack()
    with pytest.raises(ResourceNotFoundException, match="there is none before its first command"):
        differences(root, stack, FromVersion=1)
    issue(root, stack)

    for wanted in ({"FromVersion": 7}, {"FromVersion": 1, "ToVersion": 7}):
        with pytest.raises(ResourceNotFoundException, match=f"version 7 of stack {stack}: kept are 1$"):
            differences(root, stack, **wanted)
    with pytest.raises(AccessDeniedException):
        differences(root.as_user("stranger"), stack, FromVersion=1)
