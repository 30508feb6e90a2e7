"""Cookbooks of a stack: versions that it had, going back to one, and taking one away."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.server.operations.calls import Caller
from tests.server.operations.test_data import bundle
from toque_server.operations import cookbooks as operations
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.store import commands, instances


def publish(root: Caller, stack: str, place: Path, version: str) -> str:
    return str(root("PublishCookbooks", StackId=stack, Archive=bundle(place, version))["Digest"])


@pytest.fixture
def stack(root_on_either: Caller) -> str:
    return root_on_either.stack()


@pytest.fixture
def published(root_on_either: Caller, stack: str, tmp_path: Path) -> list[str]:
    return [publish(root_on_either, stack, tmp_path, version) for version in ("1.0.0", "1.1.0", "1.2.0")]


def described(root: Caller, stack: str, **wanted: Any) -> dict[str, Any]:
    return root("DescribeCookbooks", StackId=stack, **wanted)


def test_versions_are_listed_newest_first_and_in_pages(
    root_on_either: Caller, stack: str, published: list[str], tmp_path: Path
) -> None:
    root = root_on_either
    first = described(root, stack, MaxResults=2)
    publish(root, stack, tmp_path, "1.3.0")
    rest = described(root, stack, MaxResults=2, NextToken=first["NextToken"])

    assert [each["Digest"] for each in first["Bundles"] + rest["Bundles"]] == published[::-1]
    assert "NextToken" not in rest
    assert len(described(root, stack, Cookbook="shop")["Bundles"]) == 4
    assert described(root, stack, Cookbook="web")["Bundles"] == []


def test_a_stack_goes_back_to_cookbooks_that_it_had(root_on_either: Caller, stack: str, published: list[str]) -> None:
    root = root_on_either

    root("UseCookbooks", StackId=stack, Digest=published[0])

    assert described(root, stack)["CurrentDigest"] == published[0]
    [event] = root("DescribeEvents", StackId=stack, Kinds=["cookbooks.chosen"])["Events"]
    assert event["Message"] == "cookbooks shop 1.0.0 were chosen"
    assert root("DescribeAuditEvents", Action="UseCookbooks")["Events"][0]["RequestParameters"] == {
        "StackId": stack,
        "Digest": published[0],
    }
    with pytest.raises(ValidationException, match="uses .* already"):
        root("UseCookbooks", StackId=stack, Digest=published[0])


def test_cookbooks_that_nobody_uses_are_taken_away(root_on_either: Caller, stack: str, published: list[str]) -> None:
    root = root_on_either

    root("DeleteCookbooks", StackId=stack, Digest=published[0])

    assert [each["Digest"] for each in described(root, stack)["Bundles"]] == published[:0:-1]
    for operation in ("DeleteCookbooks", "UseCookbooks"):
        with pytest.raises(ResourceNotFoundException, match="DescribeCookbooks lists them"):
            root(operation, StackId=stack, Digest=published[0])


def test_cookbooks_in_use_stay(root_on_either: Caller, stack: str, published: list[str]) -> None:
    root = root_on_either
    up = root.instance(stack, root.layer(stack))
    root.bring_online(up)

    def refused(said: str, digest: str) -> None:
        with pytest.raises(ValidationException, match=said):
            root("DeleteCookbooks", StackId=stack, Digest=digest)

    refused("the stack uses these cookbooks: please publish others", published[2])
    with root.services.database.write() as conn:
        instances.set_cookbook_digest(conn, up, published[1])
    refused(f"1 instances run these cookbooks, such as {up}: please run update_custom_cookbooks", published[1])
    id = root("CreateDeployment", StackId=stack, Command={"Name": "configure"})["DeploymentId"]
    with root.services.database.write() as conn:
        [seen] = commands.of_deployment(conn, id)
        now = root.services.database.now(conn)
        commands.set_dispatched(conn, seen, number=1, manifest_version=1, envelope=b"", at=now)
    refused("commands are under way", published[0])


def test_a_bundle_is_downloaded_as_it_is_named_by_who_may_see_the_stack(
    root_on_either: Caller, stack: str, published: list[str]
) -> None:
    root = root_on_either
    arn = root("CreateUser", UserName="ann")["UserArn"]
    with pytest.raises(AccessDeniedException):
        root.as_user("ann")("GetCookbooks", StackId=stack, Digest=published[1])
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="show")

    archive = base64.b64decode(root.as_user("ann")("GetCookbooks", StackId=stack, Digest=published[1])["Archive"])

    assert hashlib.sha256(archive).hexdigest() == published[1]
    with pytest.raises(ResourceNotFoundException, match=f"of stack {stack}"):
        root("GetCookbooks", StackId=stack, Digest="../../toque.db")
    (root.services.settings.data_dir / "bundles" / published[0]).unlink()
    with pytest.raises(ResourceNotFoundException, match="no longer on this server"):
        root("GetCookbooks", StackId=stack, Digest=published[0])


def test_a_bundle_that_is_too_large_for_an_answer_is_shared_otherwise(
    root: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = root.stack()
    digest = publish(root, stack, tmp_path, "1.0.0")
    monkeypatch.setattr(operations, "_LARGEST_ANSWER", 10)

    with pytest.raises(ValidationException, match="share its cookbooks by git"):
        root("GetCookbooks", StackId=stack, Digest=digest)


def test_cookbooks_of_another_stack_are_not_there(root: Caller, tmp_path: Path) -> None:
    mine, other = root.stack(), root.stack()
    digest = publish(root, other, tmp_path, "1.0.0")

    with pytest.raises(ResourceNotFoundException, match=f"of stack {mine}"):
        root("UseCookbooks", StackId=mine, Digest=digest)


@pytest.mark.parametrize("operation", ["UseCookbooks", "DeleteCookbooks"])
def test_cookbooks_are_chosen_at_level_manage(root: Caller, tmp_path: Path, operation: str) -> None:
    stack = root.stack()
    digest = publish(root, stack, tmp_path, "1.0.0")
    arn = root("CreateUser", UserName="ann")["UserArn"]
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="deploy")

    with pytest.raises(AccessDeniedException):
        root.as_user("ann")(operation, StackId=stack, Digest=digest)
