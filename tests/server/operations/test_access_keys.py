"""Access keys and API tokens: switched off and on, relabelled, listed in pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.server.operations.calls import Caller
from toque_server.operations import identity
from toque_server.operations.errors import (
    AccessDeniedException,
    NotAuthenticated,
    ResourceNotFoundException,
    ValidationException,
)
from toque_server.store.tables import api_tokens


@pytest.fixture
def ann(root_on_either: Caller) -> Caller:
    root_on_either("CreateUser", UserName="ann")
    return root_on_either.as_user("ann")


def test_an_access_key_is_switched_off_and_on(ann: Caller) -> None:
    key = ann("CreateAccessKey")["AccessKeyId"]

    ann("UpdateAccessKey", AccessKeyId=key, Active=False)
    assert identity.by_access_key(ann.services, key) is None
    [shown] = ann("DescribeAccessKeys")["AccessKeys"]
    assert shown["Active"] is False

    ann("UpdateAccessKey", AccessKeyId=key, Active=True)
    found = identity.by_access_key(ann.services, key)
    assert found is not None and found.principal.name == "ann"


def test_an_api_token_gets_another_label_and_another_end(ann: Caller) -> None:
    made = ann("CreateApiToken", Label="laptop")

    ann("UpdateApiToken", TokenId=made["TokenId"], Label="desk")
    ann("UpdateApiToken", TokenId=made["TokenId"], ExpiresInDays=3)

    [shown] = ann("DescribeApiTokens")["ApiTokens"]
    assert (shown["Label"], "ExpiresAt" in shown) == ("desk", True)
    assert identity.by_api_token(ann.services, made["Token"]).name == "ann"


def test_a_token_that_has_expired_stays_so(ann: Caller) -> None:
    made = ann("CreateApiToken", Label="laptop", ExpiresInDays=1)
    with ann.services.database.write() as conn:
        past = ann.services.database.now(conn) - timedelta(days=1)
        conn.execute(sa.update(api_tokens).values(expires_at=past))

    with pytest.raises(ValidationException, match="has expired: please make a new one") as refused:
        ann("UpdateApiToken", TokenId=made["TokenId"], ExpiresInDays=3)

    assert refused.value.field == "TokenId"
    with pytest.raises(NotAuthenticated):
        identity.by_api_token(ann.services, made["Token"])


def test_tokens_come_in_pages(ann: Caller) -> None:
    ids = [ann("CreateApiToken", Label=f"t{n}")["TokenId"] for n in range(3)]

    first = ann("DescribeApiTokens", MaxResults=2)
    rest = ann("DescribeApiTokens", MaxResults=2, NextToken=first["NextToken"])

    assert sorted(each["TokenId"] for each in first["ApiTokens"] + rest["ApiTokens"]) == sorted(ids)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("UpdateAccessKey", {"AccessKeyId": "AKIANONE", "Active": False}),
        ("UpdateApiToken", {"TokenId": "0123456789abcdef"}),
        ("UpdateApiToken", {"TokenId": "%"}),
        ("DeleteApiToken", {"TokenId": ""}),
    ],
    ids=["key", "token", "pattern", "empty"],
)
def test_what_is_not_there_is_named(root: Caller, operation: str, members: dict[str, Any]) -> None:
    root("CreateUser", UserName="ann")

    with pytest.raises((ResourceNotFoundException, ValidationException)):
        root.as_user("ann")(operation, **members)


def test_keys_of_others_are_for_administrators(ann: Caller, root_on_either: Caller) -> None:
    key = ann("CreateAccessKey")["AccessKeyId"]
    token = ann("CreateApiToken", Label="laptop")["TokenId"]
    root_on_either("CreateUser", UserName="bob")
    bob, arn = root_on_either.as_user("bob"), ann.principal.arn

    for operation, members in (
        ("UpdateAccessKey", {"AccessKeyId": key, "Active": False}),
        ("UpdateApiToken", {"TokenId": token, "Label": "mine"}),
    ):
        with pytest.raises(AccessDeniedException):
            bob(operation, UserArn=arn, **members)
        with pytest.raises(ResourceNotFoundException):
            bob(operation, **members)
        root_on_either(operation, UserArn=arn, **members)
    told = {each["EventName"]: each for each in root_on_either("DescribeAuditEvents")["Events"]}
    assert told["UpdateAccessKey"]["RequestParameters"] == {"AccessKeyId": key, "Active": False, "UserArn": arn}


@pytest.mark.parametrize("days", [0, 3651])
def test_an_end_that_will_not_do_is_named(root: Caller, days: int) -> None:
    root("CreateUser", UserName="ann")

    with pytest.raises(ValidationException, match=f"ExpiresInDays must be 1 to 3650, not {days}"):
        root.as_user("ann")("CreateApiToken", Label="x", ExpiresInDays=days)
