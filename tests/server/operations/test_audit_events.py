from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.server.operations.calls import Caller
from toque_server.operations import registry
from toque_server.operations.context import Context
from toque_server.operations.errors import AccessDeniedException, ValidationException
from toque_server.operations.masked import MASK
from toque_server.store.tables import audit

ANN = "arn:aws:iam::123456789012:user/ann"


def names(root: Caller, **wanted: Any) -> list[str]:
    return [each["EventName"] for each in root("DescribeAuditEvents", **wanted)["Events"]]


def test_07_30_each_call_stands_in_the_audit_with_every_field(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    root("CreateUser", UserName="ann")
    ctx = Context(
        caller=root.known("ann").principal,
        services=root.services,
        address="10.1.2.3",
        access_key_id="AKIAEXAMPLE",
        request_id="r-1",
    )
    with pytest.raises(AccessDeniedException):
        registry.call("DeleteStack", ctx, {"StackId": stack})

    newest, *_ = root("DescribeAuditEvents")["Events"]

    assert datetime.fromisoformat(newest.pop("EventTime")).tzinfo is not None
    assert newest.pop("Number") == 3
    assert newest == {
        "EventName": "DeleteStack",
        "UserArn": ANN,
        "AccessKeyId": "AKIAEXAMPLE",
        "SourceIp": "10.1.2.3",
        "RequestId": "r-1",
        "RequestParameters": {"StackId": stack},
        "ErrorCode": "AccessDeniedException",
        "StackId": stack,
    }


def test_what_may_be_secret_is_masked_and_the_rest_can_be_read(root: Caller) -> None:
    stack = root.stack(CustomJson='{"password": "hunter2"}')
    root.app(
        stack,
        AppSource={
            "Type": "git",
            "Url": "https://ann:hunter2@git.example/shop.git?token=hunter2",
            "Password": "hunter2",
            "Revision": "v7",
        },
        Environment=[{"Key": "SECRET", "Value": "hunter2", "Secure": True}],
    )
    root("CreateUser", UserName="ann", Password="hunter2 and more of it")
    root("PutDataBagItem", StackId=stack, Bag="keys", Item="shop", Value={"name": "hunter2", "pin": 4711})

    events = root("DescribeAuditEvents")["Events"]

    assert "hunter2" not in json.dumps(events)
    app = next(each for each in events if each["EventName"] == "CreateApp")["RequestParameters"]
    assert app["AppSource"] == {
        "Type": "git",
        "Url": "https://git.example/shop.git",
        "Password": MASK,
        "Revision": "v7",
    }
    assert app["Environment"] == [{"Key": "SECRET", "Value": MASK, "Secure": True}]
    assert next(each for each in events if each["EventName"] == "PutDataBagItem")["RequestParameters"] == {
        "StackId": stack,
        "Bag": "keys",
        "Item": "shop",
        "Level": "stack",
        "Value": {"name": MASK, "pin": MASK},
    }


def test_events_are_chosen_by_user_stack_action_time_and_refusal(root: Caller) -> None:
    one, two = root.stack(), root.stack(Name="two")
    root("CreateUser", UserName="ann")
    ann = root.known("ann")
    with pytest.raises(AccessDeniedException):
        ann("StartStack", StackId=one)
    root.layer(two)

    assert names(root, UserArn=ANN) == names(root, DeniedOnly=True) == ["StartStack"]
    assert names(root, StackId=one) == ["StartStack", "CreateStack"]
    assert names(root, StackId=two) == ["CreateLayer", "CreateStack"]
    assert names(root, Action="CreateStack") == ["CreateStack", "CreateStack"]
    first = root("DescribeAuditEvents", Action="CreateStack")["Events"][-1]["EventTime"]
    later = (datetime.fromisoformat(first) + timedelta(hours=1)).isoformat()
    assert names(root, Since=later) == [] and len(names(root, Since=first, Until=later)) == 5
    with pytest.raises(ValidationException, match="Since 'yesterday' must be a time with its zone"):
        root("DescribeAuditEvents", Since="yesterday")


def test_pages_follow_one_another_and_their_tokens_are_ours(root: Caller) -> None:
    for number in range(5):
        root.stack(Name=f"stack {number}")
    pages, token = [], None
    while True:
        more = {} if token is None else {"NextToken": token}
        answer = root("DescribeAuditEvents", MaxResults=2, **more)
        pages.append([each["Number"] for each in answer["Events"]])
        token = answer.get("NextToken")
        if token is None:
            break

    assert pages == [[5, 4], [3, 2], [1]]
    with pytest.raises(ValidationException, match="NextToken is not one that this server gave"):
        root("DescribeAuditEvents", NextToken="forged")
    with pytest.raises(ValidationException, match="MaxResults must be 1 to 1000"):
        root("DescribeAuditEvents", MaxResults=1001)


def test_the_audit_is_for_administrators_and_by_policy(root: Caller) -> None:
    stack = root.stack()
    root("CreateUser", UserName="ann")
    root("SetPermission", StackId=stack, IamUserArn=ANN, Level="manage")
    ann = root.known("ann")
    with pytest.raises(AccessDeniedException, match="opsworks:ListAuditEvents"):
        ann("DescribeAuditEvents", StackId=stack)
    reads = {
        "Effect": "Allow",
        "Action": "opsworks:ListAuditEvents",
        "Resource": f"arn:aws:opsworks:*:*:stack/{stack}/",
    }
    root("PutUserPolicy", UserArn=ANN, PolicyName="reads", PolicyDocument=json.dumps({"Statement": reads}))

    assert names(ann, StackId=stack)[-2:] == ["SetPermission", "CreateStack"]
    with pytest.raises(AccessDeniedException):
        ann("DescribeAuditEvents")


def test_the_record_of_a_stack_outlives_it(root: Caller) -> None:
    stack = root.stack()
    root("DeleteStack", StackId=stack)

    assert names(root, StackId=stack) == ["DeleteStack", "CreateStack"]


def test_a_record_that_was_tampered_with_is_told_on_request(root: Caller) -> None:
    root.stack(), root.stack(Name="two"), root.stack(Name="three")
    assert root("DescribeAuditEvents", Verify=True)["Tampered"] == []

    with root.services.database.write() as conn:
        conn.execute(sa.update(audit).where(audit.c.number == 2).values(allowed=False))

    assert root("DescribeAuditEvents", Verify=True)["Tampered"] == [2]
    assert "Tampered" not in root("DescribeAuditEvents")
