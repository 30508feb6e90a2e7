"""Changes that fail are in the audit too, with their error code, and cannot fill it (07 § 9, check 30)."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations import registry
from toque_server.operations.context import Context
from toque_server.operations.errors import (
    OperationError,
    ResourceNotFoundException,
    ThrottlingException,
    ValidationException,
)
from toque_server.operations.refused_calls import RefusedCalls


def events(root: Caller, **wanted: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = root("DescribeAuditEvents", **wanted)["Events"]
    return found


def test_07_30_a_change_that_fails_is_recorded_with_caller_action_and_error_code(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    root.layer(stack)

    with pytest.raises(ValidationException):
        root("DeleteStack", StackId=stack)
    with pytest.raises(ResourceNotFoundException):
        root("DeleteLayer", LayerId="nothing")

    unknown, refused = events(root)[:2]
    assert (refused["EventName"], refused["ErrorCode"]) == ("DeleteStack", "ValidationException")
    assert (refused["UserArn"], refused["StackId"]) == (root.principal.arn, stack)
    assert refused["RequestParameters"] == {"StackId": stack}
    assert (unknown["EventName"], unknown["ErrorCode"]) == ("DeleteLayer", "ResourceNotFoundException")
    assert root("DescribeAuditEvents", Verify=True)["Tampered"] == []
    assert events(root, DeniedOnly=True) == []


def test_07_30_a_change_that_cannot_be_read_is_recorded_without_what_was_sent(root: Caller) -> None:
    with pytest.raises(ValidationException):
        root("CreateStack", Name="shop", Pasword="hunter2")

    (refused,) = events(root)
    assert (refused["EventName"], refused["ErrorCode"]) == ("CreateStack", "ValidationException")
    assert refused["RequestParameters"] == {}


def test_a_question_that_fails_is_not_recorded(root: Caller) -> None:
    for members in ({}, {"StackId": "nothing"}, {"Stack": "misspelt"}):
        with pytest.raises(OperationError):
            root("DescribeLayers", **members)

    assert events(root) == []


def test_what_fails_leaves_nothing_but_its_line(root: Caller) -> None:
    stack = root.stack()
    with pytest.raises(ValidationException):
        root("CreateApp", StackId=stack, Name="Shop", Type="other", Shortname="no spaces")

    assert root("DescribeApps", StackId=stack)["Apps"] == []
    assert [each["EventName"] for each in events(root)] == ["CreateApp", "CreateStack"]


def test_refused_calls_cannot_fill_the_audit_and_those_left_out_are_counted(root: Caller) -> None:
    now = [0.0]
    ration = RefusedCalls(rate=1, burst=2, clock=lambda: now[0])
    root = Caller(dataclasses.replace(root.services, refused_calls=ration))
    other = Caller(root.services, dataclasses.replace(root.principal, arn="arn:aws:iam::123456789012:user/other"))

    for caller in (root, root, root, root, other):
        with pytest.raises(OperationError):
            caller("DeleteStack", StackId="nothing")
    now[0] = 1.0
    with pytest.raises(OperationError):
        root("DeleteStack", StackId="nothing")

    newest, of_other, *before = events(root)
    assert newest["Reason"] == "2 refused calls of this caller before it were too many to record"
    assert of_other["UserArn"] == other.principal.arn
    assert [each.get("Reason") for each in before] == [None, None]


def test_07_30_a_change_that_is_throttled_is_recorded(root: Caller) -> None:
    ctx = Context(caller=root.principal, services=root.services, request_id="r-1")
    for name in ("DeleteStack", "DescribeStacks", "NoSuchThing"):
        with pytest.raises(ThrottlingException), registry.recorded(registry.OPERATIONS.get(name), ctx):
            raise ThrottlingException

    (refused,) = events(root)
    assert (refused["EventName"], refused["ErrorCode"]) == ("DeleteStack", "ThrottlingException")
    assert refused["RequestId"] == "r-1"
