"""Data bags, attributes, cookbooks, join tokens and events: what OpsWorks did not have as operations."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque.cookbook.bundle import pack
from toque.protocol.tokens import parse_token
from toque_server.operations.errors import (
    AccessDeniedException,
    ConflictException,
    ResourceNotFoundException,
    ValidationException,
)


def test_an_item_is_written_read_listed_and_deleted(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    item = {"StackId": stack, "Bag": "shop", "Item": "smtp"}

    assert root("PutDataBagItem", **item, Value={"host": "x", "empty": "", "none": None})["Version"] == 1
    assert root("PutDataBagItem", **item, Value={"host": "y"}, Version=1)["Version"] == 2

    assert root("GetDataBagItem", **item)["Value"] == {"host": "y"}
    [listed] = root("DescribeDataBags", StackId=stack)["Items"]
    assert (listed["Bag"], listed["Item"], listed["Version"], listed["Level"]) == ("shop", "smtp", 2, "stack")
    root("DeleteDataBagItem", **item)
    with pytest.raises(ResourceNotFoundException, match="smtp in data bag shop"):
        root("GetDataBagItem", **item)


def test_an_item_that_somebody_else_changed_is_not_overwritten(root: Caller) -> None:
    item = {"StackId": root.stack(), "Bag": "shop", "Item": "smtp"}
    root("PutDataBagItem", **item, Value={"n": 1}, Version=0)

    for version in (0, 7):
        with pytest.raises(ConflictException, match="read it again"):
            root("PutDataBagItem", **item, Value={"n": 2}, Version=version)

    assert root("GetDataBagItem", **item)["Value"] == {"n": 1}


def test_an_item_of_a_layer_is_not_the_stack_s_and_owners_are_of_the_stack(root: Caller) -> None:
    stack = root.stack()
    layer, foreign = root.layer(stack), root.layer(root.stack())
    item = {"StackId": stack, "Bag": "shop", "Item": "smtp"}
    root("PutDataBagItem", **item, Value={"at": "stack"})
    root("PutDataBagItem", **item, Value={"at": "layer"}, Level="layer", OwnerId=layer)

    assert root("GetDataBagItem", **item)["Value"] == {"at": "stack"}
    assert root("GetDataBagItem", **item, Level="layer", OwnerId=layer)["Value"] == {"at": "layer"}
    with pytest.raises(ResourceNotFoundException, match="in stack"):
        root("GetDataBagItem", **item, Level="layer", OwnerId=foreign)
    with pytest.raises(ValidationException, match="which layer"):
        root("GetDataBagItem", **item, Level="layer")


@pytest.mark.parametrize("name", ["aws_opsworks_app", "opsworks_x", "../etc", "a/b", "a" * 129])
def test_s22_names_of_bags_have_a_grammar(root: Caller, name: str) -> None:
    with pytest.raises(ValidationException):
        root("PutDataBagItem", StackId=root.stack(), Bag=name, Item="i", Value={})


def test_values_are_read_by_whoever_may_run_recipes(root: Caller) -> None:
    stack = root.stack()
    arn = root("CreateUser", UserName="ann")["UserArn"]
    root("PutDataBagItem", StackId=stack, Bag="b", Item="i", Value={"x": 1})
    ann = root.as_user("ann")
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="show")

    assert ann("DescribeDataBags", StackId=stack)["Items"]
    with pytest.raises(AccessDeniedException):
        ann("GetDataBagItem", StackId=stack, Bag="b", Item="i")
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="deploy")
    assert ann("GetDataBagItem", StackId=stack, Bag="b", Item="i")["Value"] == {"x": 1}


def test_d14_attributes_are_kept_byte_for_byte_and_taken_away_with_an_empty_object(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    layer, app = root.layer(stack), root.app(stack)

    root("SetAttributes", Level="layer", OwnerId=layer, CustomJson='{"a":  1}')
    root("SetAttributes", Level="layer", OwnerId=layer, CustomJson='{"a":  2}')
    root("SetAttributes", Level="app", OwnerId=app, CustomJson='{"b": 1}')

    found = {each["OwnerId"]: each["CustomJson"] for each in root("DescribeAttributes", StackId=stack)["Attributes"]}
    assert found == {layer: '{"a":  2}', app: '{"b": 1}'}
    root("SetAttributes", Level="app", OwnerId=app, CustomJson="{}")
    root("DeleteLayer", LayerId=layer)
    assert root("DescribeAttributes", StackId=stack)["Attributes"] == []
    with pytest.raises(ResourceNotFoundException, match="nobody"):
        root("SetAttributes", Level="instance", OwnerId="nobody", CustomJson="{}")


def bundle(place: Path, version: str = "1.0.0") -> str:
    book = place / f"book-{version}"
    (book / "recipes").mkdir(parents=True)
    (book / "cookbook.toml").write_text(f'[cookbook]\nname = "shop"\nversion = "{version}"\ndescription = "a shop"\n')
    (book / "recipes" / "default.py").write_text("from toque import log\n\nlog('hello')\n")
    pack({"shop": book}, place / f"{version}.tgz")
    return b64encode((place / f"{version}.tgz").read_bytes()).decode()


def test_publishing_moves_the_stack_to_the_bundle(root: Caller, tmp_path: Path) -> None:
    stack = root.stack()
    first = root("PublishCookbooks", StackId=stack, Archive=bundle(tmp_path))
    second = root("PublishCookbooks", StackId=stack, Archive=bundle(tmp_path, "1.1.0"), Source="commit 123")

    assert first["Cookbooks"] == [{"Name": "shop", "Version": "1.0.0", "Recipes": ["default"]}]
    shown: dict[str, Any] = root("DescribeCookbooks", StackId=stack)
    assert shown["CurrentDigest"] == second["Digest"] != first["Digest"]
    assert {each["Digest"]: each["IsCurrent"] for each in shown["Bundles"]} == {
        first["Digest"]: False,
        second["Digest"]: True,
    }
    assert (root.services.settings.data_dir / "bundles" / second["Digest"]).is_file()


@pytest.mark.parametrize("archive", ["/etc/passwd", "!", b64encode(b"no archive").decode()])
def test_s21_what_is_no_bundle_is_refused(root: Caller, archive: str) -> None:
    with pytest.raises(ValidationException, match="Archive"):
        root("PublishCookbooks", StackId=root.stack(), Archive=archive)


def test_s1_a_join_token_is_shown_once_and_only_its_public_half_is_kept(root: Caller) -> None:
    from toque_server.store import join_tokens

    stack = root.stack()
    layer = root.layer(stack)

    made = root("CreateJoinToken", StackId=stack, LayerIds=[layer])

    token = parse_token(made["Token"])
    assert token.root_fingerprint == root.services.keys.root_fingerprint
    with root.services.database.read() as conn:
        kept = join_tokens.get(conn, token.id)
    assert kept is not None and kept.public != token.seed
    assert (kept.uses_left, kept.layer_ids) == (1, (layer,))
    assert (kept.expires_at - kept.created_at).total_seconds() == 3600
    [listed] = root("DescribeJoinTokens", StackId=stack)["JoinTokens"]
    assert listed["TokenId"] == token.id and made["Token"] not in str(listed)
    root("RevokeJoinToken", StackId=stack, TokenId=token.id)
    assert root("DescribeJoinTokens", StackId=stack)["JoinTokens"] == []


@pytest.mark.parametrize(
    "members", [{"ExpiresInMinutes": 1441}, {"ExpiresInMinutes": 0}, {"Uses": 0}, {"Uses": 2, "InstanceId": "i"}]
)
def test_join_tokens_have_limits(root: Caller, members: dict[str, Any]) -> None:
    with pytest.raises(ValidationException):
        root("CreateJoinToken", StackId=root.stack(), **members)


def test_events_are_followed_from_where_one_stopped_and_only_where_one_may_look(root: Caller) -> None:
    mine, other = root.stack(Name="mine"), root.stack(Name="other")
    arn = root("CreateUser", UserName="ann")["UserArn"]
    root("SetPermission", StackId=mine, IamUserArn=arn, Level="show")
    ann = root.as_user("ann")
    start = ann("DescribeEvents")["LastNumber"]
    root.layer(mine, "one")
    root.layer(other, "two")

    fresh = ann("DescribeEvents", After=start)

    assert [each["Message"] for each in fresh["Events"]] == ["layer one was created"]
    assert ann("DescribeEvents", After=fresh["LastNumber"])["Events"] == []
    assert [each["Message"] for each in root("DescribeEvents", After=start)["Events"]] == [
        "layer one was created",
        "layer two was created",
    ]
    with pytest.raises(AccessDeniedException):
        ann("DescribeEvents", StackId=other)


def test_there_is_no_policy_before_the_first_dispatch(root: Caller) -> None:
    stack = root.stack()

    with pytest.raises(ResourceNotFoundException, match=f"policy of stack {stack}"):
        root("DescribePolicy", StackId=stack)


def test_the_catalogue_of_systems_marks_what_is_old(root: Caller) -> None:
    found = {each["Id"]: each for each in root("DescribeOperatingSystems")["OperatingSystems"]}

    assert "Supported" not in found["Ubuntu 24.04 LTS"]
    assert found["Ubuntu 14.04 LTS"]["Supported"] is False
    assert found["Microsoft Windows Server 2012 R2 Base"]["Type"] == "Windows"
