"""Passwords of one's own, and where one is signed in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations import identity
from toque_server.operations.errors import (
    AccessDeniedException,
    NotAuthenticated,
    ResourceNotFoundException,
    ThrottlingException,
    ValidationException,
)

OLD, NEW = "correct horse battery", "staple and battery"
HERE = "192.0.2.1"


@pytest.fixture
def ann(root_on_either: Caller) -> Caller:
    root_on_either("CreateUser", UserName="ann", Password=OLD)
    return root_on_either.as_user("ann")


def sign_in(caller: Caller, password: str) -> str:
    return identity.sign_in(caller.services, "ann", password, address=HERE)[0]


def test_S23_whoever_knows_his_password_changes_it_and_is_signed_out_everywhere(ann: Caller) -> None:
    session = sign_in(ann, OLD)

    ann("ChangePassword", CurrentPassword=OLD, NewPassword=NEW)

    with pytest.raises(NotAuthenticated, match="the session is over"):
        identity.session_of(ann.services, session)
    with pytest.raises(NotAuthenticated):
        sign_in(ann, OLD)
    sign_in(ann, NEW)


def test_S23_wrong_attempts_are_recorded_and_soon_cost_a_wait(ann: Caller, root_on_either: Caller) -> None:
    for _ in range(5):
        with pytest.raises(AccessDeniedException, match="CurrentPassword is wrong"):
            ann("ChangePassword", CurrentPassword="a guess", NewPassword=NEW)

    with pytest.raises(ThrottlingException, match="too many wrong attempts: please wait"):
        ann("ChangePassword", CurrentPassword=OLD, NewPassword=NEW)

    told = root_on_either("DescribeAuditEvents", Action="ChangePassword", DeniedOnly=True)["Events"]
    assert len(told) == 5
    assert "a guess" not in str(told)
    sign_in(ann, OLD)


def test_a_weak_password_is_refused_by_its_member(ann: Caller, root_on_either: Caller) -> None:
    with pytest.raises(ValidationException, match="at least 12 characters") as refused:
        ann("ChangePassword", CurrentPassword=OLD, NewPassword="short")

    assert refused.value.field == "NewPassword"
    root_on_either("CreateUser", UserName="bob")
    for nobody in (root_on_either.as_user("bob"), root_on_either):
        with pytest.raises(ValidationException, match="you have no password: please ask an administrator"):
            nobody("ChangePassword", CurrentPassword=OLD, NewPassword=NEW)


def test_a_user_whose_password_is_taken_away_cannot_sign_in(ann: Caller, root_on_either: Caller) -> None:
    root_on_either("UpdateUser", UserArn=ann.principal.arn, Password="")

    with pytest.raises(NotAuthenticated):
        sign_in(ann, OLD)
    [shown] = root_on_either("DescribeUsers", UserArns=[ann.principal.arn])["Users"]
    assert shown["HasPassword"] is False
    root_on_either("UpdateUser", UserArn=ann.principal.arn, Password=NEW)
    assert root_on_either("DescribeUsers")["Users"][0]["HasPassword"] is True
    sign_in(ann, NEW)


def test_S16_sessions_are_listed_without_what_opens_them_and_ended(ann: Caller, root_on_either: Caller) -> None:
    first, second = sign_in(ann, OLD), sign_in(ann, OLD)

    shown = ann("DescribeSessions")["Sessions"]
    page = root_on_either("DescribeSessions", UserArn=ann.principal.arn, MaxResults=1)
    rest = root_on_either("DescribeSessions", UserArn=ann.principal.arn, MaxResults=1, NextToken=page["NextToken"])

    assert page["Sessions"] + rest["Sessions"] == shown
    assert not any(session in str(shown) for session in (first, second))
    assert ann("EndSessions", SessionId=shown[0]["SessionId"]) == {"SessionsEnded": 1}
    with pytest.raises(ResourceNotFoundException, match="Unable to find session"):
        ann("EndSessions", SessionId=shown[0]["SessionId"])
    assert root_on_either("EndSessions", UserArn=ann.principal.arn) == {"SessionsEnded": 1}
    for session in (first, second):
        with pytest.raises(NotAuthenticated):
            identity.session_of(ann.services, session)


def test_whoever_asks_is_told_who_he_is(ann: Caller, root_on_either: Caller) -> None:
    assert ann("DescribeCaller") == {
        "UserArn": "arn:aws:iam::123456789012:user/ann",
        "Name": "ann",
        "AccountId": ann.services.keys.account_id,
        "Administrator": False,
        "SelfManagement": False,
        "HasPassword": True,
    }
    assert root_on_either("DescribeCaller")["Administrator"] is True


@pytest.mark.parametrize("operation", ["DescribeSessions", "EndSessions"])
def test_sessions_of_others_are_for_administrators(root: Caller, operation: str) -> None:
    members: dict[str, Any] = {"UserArn": root("CreateUser", UserName="ann")["UserArn"]}
    root("CreateUser", UserName="bob")

    with pytest.raises(AccessDeniedException):
        root.as_user("bob")(operation, **members)
    with pytest.raises(ResourceNotFoundException, match="user/nobody"):
        root(operation, UserArn="arn:aws:iam::123456789012:user/nobody")


def test_users_come_in_pages_by_name(root: Caller) -> None:
    for name in ("cat", "ann", "bob"):
        root("CreateUser", UserName=name)

    first = root("DescribeUsers", MaxResults=2)
    root("CreateUser", UserName="aaa")
    rest = root("DescribeUsers", MaxResults=2, NextToken=first["NextToken"])

    assert [each["Name"] for each in first["Users"] + rest["Users"]] == ["ann", "bob", "cat"]
    with pytest.raises(ResourceNotFoundException, match="user/dan"):
        root("DescribeUsers", UserArns=["arn:aws:iam::123456789012:user/dan"])
