from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from tests.server.operations.calls import Caller
from toque_server.operations import identity, registry
from toque_server.operations.context import Context
from toque_server.operations.errors import (
    AccessDeniedException,
    NotAuthenticated,
    ResourceNotFoundException,
    ValidationException,
)
from toque_server.store.tables import user_policies


def arn(name: str) -> str:
    return f"arn:aws:iam::123456789012:user/{name}"


def here(stack: str) -> str:
    return f"arn:aws:opsworks:*:*:stack/{stack}/"


def statement(effect: str, action: Any, resource: Any = "*", **members: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource} | members


def put(root: Caller, name: str, *statements: dict[str, Any], policy: str = "mine") -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    root("PutUserPolicy", UserArn=arn(name), PolicyName=policy, PolicyDocument=document)


def ann(root: Caller, *, level: str | None = None, stack: str = "") -> Caller:
    root("CreateUser", UserName="ann")
    if level is not None:
        root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level=level)
    return root.known("ann")


def test_07_8_deny_beats_a_full_access_policy(root: Caller) -> None:
    stack = root.stack()
    user = ann(root, level="deny", stack=stack)
    put(root, "ann", statement("Allow", "*"))

    with pytest.raises(AccessDeniedException):
        user("DescribeStackSummary", StackId=stack)
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="iam_only")
    user("DescribeStackSummary", StackId=stack)


def test_07_9_a_policy_that_denies_beats_manage_and_one_that_allows_exceeds_deploy(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    instance = root.instance(stack, root.layer(stack))
    root.bring_online(instance)
    user = ann(root, level="manage", stack=stack)
    put(root, "ann", statement("Deny", "opsworks:StopInstance"))

    with pytest.raises(AccessDeniedException, match=f"StopInstance on resource: arn:.*:local:.*:stack/{stack}/"):
        user("StopInstance", InstanceId=instance)
    user("RebootInstance", InstanceId=instance)
    root("SetPermission", StackId=stack, IamUserArn=arn("ann"), Level="deploy")
    with pytest.raises(AccessDeniedException):
        user.layer(stack, "front")
    put(root, "ann", statement("Allow", "opsworks:CreateLayer"))
    user.layer(stack, "front")


def test_07_10_a_policy_for_one_stack_makes_ids_mandatory(root: Caller) -> None:
    one, other = root.stack(), root.stack(Name="other")
    user = ann(root)
    put(root, "ann", statement("Allow", "opsworks:DescribeStacks", here(one)))

    with pytest.raises(AccessDeniedException, match="DescribeStacks"):
        user("DescribeStacks")
    assert [each["StackId"] for each in user("DescribeStacks", StackIds=[one])["Stacks"]] == [one]
    with pytest.raises(AccessDeniedException):
        user("DescribeStacks", StackIds=[one, other])


def test_whose_access_comes_from_levels_gets_the_stacks_he_may_show(root: Caller) -> None:
    one, other, denied = root.stack(), root.stack(Name="other"), root.stack(Name="denied")
    user = ann(root, level="show", stack=one)
    root("SetPermission", StackId=denied, IamUserArn=arn("ann"), Level="deny")

    def listed() -> list[str]:
        return [each["StackId"] for each in user("DescribeStacks")["Stacks"]]

    assert listed() == [one]
    put(root, "ann", statement("Allow", "opsworks:Describe*", here(other)))
    assert listed() == [one, other]
    put(root, "ann", statement("Allow", "opsworks:Describe*"))
    assert listed() == [one, other]
    put(root, "ann", statement("Deny", "opsworks:DescribeStacks", here(one)))
    assert listed() == []


def test_07_11_a_policy_resource_without_the_slash_is_refused_where_it_is_written(root: Caller) -> None:
    stack = root.stack()
    user = ann(root)

    with pytest.raises(ValidationException, match="must end in a slash"):
        put(root, "ann", statement("Allow", "*", here(stack).removesuffix("/")))
    put(root, "ann", statement("Allow", "opsworks:DescribeApps", here(stack)))
    assert user("DescribeApps", StackId=stack) == {"Apps": []}


def test_existence_is_told_to_those_who_may_read_everything(root: Caller) -> None:
    stack = root.stack()
    app = root.app(stack)
    user = ann(root)
    told = []
    for id in (app, "no-such-app"):
        with pytest.raises(AccessDeniedException) as refused:
            user("DescribeApps", AppIds=[id])
        told.append(refused.value.message)
    assert told[0] == told[1]

    put(root, "ann", statement("Allow", "opsworks:DescribeApps"))

    with pytest.raises(ResourceNotFoundException, match="no-such-app"):
        user("DescribeApps", AppIds=["no-such-app"])
    with pytest.raises(ResourceNotFoundException, match="no-such-stack"):
        user("DescribeApps", StackId="no-such-stack")


def test_the_right_is_needed_on_every_stack_that_a_request_names(root: Caller) -> None:
    one, two = root.stack(), root.stack(Name="two")
    apps = [root.app(one), root.app(two)]
    user = ann(root, level="show", stack=one)

    with pytest.raises(AccessDeniedException):
        user("DescribeApps", AppIds=apps)
    put(root, "ann", statement("Allow", "opsworks:DescribeApps", here(two)))
    assert len(user("DescribeApps", AppIds=apps)["Apps"]) == 2


def test_conditions_count_the_address_the_clock_the_wire_and_the_name(root: Caller) -> None:
    stack = root.stack()
    user = ann(root)
    put(
        root,
        "ann",
        statement(
            "Allow",
            "opsworks:DescribeApps",
            Condition={
                "IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]},
                "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"},
                "Bool": {"aws:SecureTransport": "true"},
                "StringLike": {"aws:username": "a*"},
            },
        ),
    )
    ctx = Context(caller=user.principal, services=root.services, address="10.9.8.7")

    registry.call("DescribeApps", ctx, {"StackId": stack})
    for elsewhere in (replace(ctx, address="192.168.0.1"), replace(ctx, address=""), replace(ctx, secure=False)):
        with pytest.raises(AccessDeniedException):
            registry.call("DescribeApps", elsewhere, {"StackId": stack})


def test_policies_are_described_replaced_and_taken_away(root_on_either: Caller) -> None:
    root = root_on_either
    ann(root)
    put(root, "ann", statement("Allow", "opsworks:Describe*"))
    put(root, "ann", statement("Deny", "opsworks:Stop*"))
    root("AttachUserPolicy", UserArn=arn("ann"), Policy="arn:aws:iam::aws:policy/OpsWorksReadOnly")
    root("AttachUserPolicy", UserArn=arn("ann"), Policy="OpsWorksFullAccess")

    shown = root("DescribeUserPolicies", UserArn=arn("ann"))["Policies"]

    assert [each["PolicyName"] for each in shown] == ["AWSOpsWorks_FullAccess", "OpsWorksReadOnly", "mine"]
    assert "Stop" in shown[2]["PolicyDocument"] and shown[2]["UpdatedBy"] == root.principal.arn
    assert "PolicyArn" not in shown[2]
    root("DeleteUserPolicy", UserArn=arn("ann"), PolicyName="mine")
    for name in ("OpsWorksReadOnly", "AWSOpsWorks_FullAccess"):
        root("DetachUserPolicy", UserArn=arn("ann"), Policy=name)
    assert root("DescribeUserPolicies", UserArn=arn("ann"))["Policies"] == []
    with pytest.raises(ResourceNotFoundException, match="Unable to find policy mine"):
        root("DeleteUserPolicy", UserArn=arn("ann"), PolicyName="mine")
    assert {each["PolicyName"] for each in root("DescribePredefinedPolicies")["Policies"]} > {"OpsWorksReadOnly"}


def test_the_full_access_policy_is_what_makes_an_administrator(root: Caller) -> None:
    user = ann(root)
    root("AttachUserPolicy", UserArn=arn("ann"), Policy="AWSOpsWorks_FullAccess")

    assert root("DescribeUsers")["Users"][0]["Administrator"]
    root.known("ann").stack()
    root("UpdateUser", UserArn=arn("ann"), Administrator=False)
    assert root("DescribeUserPolicies", UserArn=arn("ann"))["Policies"] == []
    with pytest.raises(AccessDeniedException):
        user.stack()


@pytest.mark.parametrize(
    ("members", "said"),
    [
        pytest.param({"PolicyName": "a b"}, "PolicyName 'a b' is not allowed", id="name"),
        pytest.param({"PolicyName": "OpsWorksReadOnly"}, "attach it with AttachUserPolicy", id="predefined"),
        pytest.param({"PolicyDocument": "{"}, "PolicyDocument is not JSON", id="document"),
        pytest.param(
            {"PolicyDocument": json.dumps({"Statement": statement("Deny", "opsworks:StopInstanc")})},
            "no action opsworks:StopInstanc .did you mean opsworks:StopInstance",
            id="typing error",
        ),
    ],
)
def test_a_policy_that_would_not_do_what_it_says_is_refused(root: Caller, members: dict[str, str], said: str) -> None:
    ann(root)
    good = json.dumps({"Statement": statement("Allow", "*")})

    with pytest.raises(ValidationException, match=said):
        root("PutUserPolicy", **{"UserArn": arn("ann"), "PolicyName": "mine", "PolicyDocument": good} | members)


def test_nobody_gives_himself_rights_and_no_policy_makes_administrators(root: Caller) -> None:
    user = ann(root)
    root("CreateUser", UserName="bob", Administrator=True)
    put(root, "ann", statement("Allow", "opsworks:*"))
    document = json.dumps({"Statement": statement("Allow", "*")})

    user("CreateUser", UserName="cat")
    for operation, members in (
        ("CreateUser", {"UserName": "dan", "Administrator": True}),
        ("UpdateUser", {"UserArn": arn("cat"), "Administrator": True}),
        ("UpdateUser", {"UserArn": arn("bob"), "Password": "correct horse battery"}),
        ("DeleteUser", {"UserArn": arn("bob"), "Cascade": True}),
        ("AttachUserPolicy", {"UserArn": arn("cat"), "Policy": "OpsWorksReadOnly"}),
        ("PutUserPolicy", {"UserArn": arn("cat"), "PolicyName": "all", "PolicyDocument": document}),
    ):
        with pytest.raises(AccessDeniedException, match="only administrators"):
            user(operation, **members)
    with pytest.raises(ValidationException, match="his own policies"):
        root.known("bob")("DetachUserPolicy", UserArn=arn("bob"), Policy="AWSOpsWorks_FullAccess")


def test_what_cannot_be_judged_is_refused_with_the_reason(root: Caller) -> None:
    stack = root.stack()
    user = ann(root, level="manage", stack=stack)
    put(root, "ann", statement("Deny", "opsworks:Stop*"))
    with root.services.database.write() as conn:
        conn.execute(sa.update(user_policies).values(document="not JSON"))

    for operation, members in (("DescribeApps", {"StackId": stack}), ("DescribeStacks", {})):
        with pytest.raises(AccessDeniedException, match="policy mine cannot be read: PolicyDocument is not JSON"):
            user(operation, **members)


def test_a_change_of_policies_signs_out(root: Caller) -> None:
    root("CreateUser", UserName="ann", Password="correct horse battery")
    session, _ = identity.sign_in(root.services, "ann", "correct horse battery", address="10.0.0.1")

    put(root, "ann", statement("Deny", "opsworks:Stop*"))

    with pytest.raises(NotAuthenticated):
        identity.session_of(root.services, session)


def test_policies_go_with_their_user(root: Caller) -> None:
    ann(root)
    put(root, "ann", statement("Allow", "*"))
    root("DeleteUser", UserArn=arn("ann"), Cascade=True)
    root("CreateUser", UserName="ann")

    assert root("DescribeUserPolicies", UserArn=arn("ann"))["Policies"] == []


@pytest.mark.parametrize(
    ("level", "effect", "rule", "said"),
    [
        ("manage", None, "level", "yes: the level manage on this stack is enough"),
        ("deny", "Allow", "level_deny", "no: the level deny"),
        ("manage", "Deny", "policy_deny", "no: the policy statement mine/It denies it"),
        ("show", "Allow", "policy_allow", "yes: the policy statement mine/It allows it"),
        ("deploy", None, "nothing", "no: neither the level deploy nor a policy allows it; it needs the level manage"),
    ],
)
def test_the_rule_that_decides_is_explained(root: Caller, level: str, effect: str | None, rule: str, said: str) -> None:
    stack = root.stack()
    user = ann(root, level=level, stack=stack)
    if effect is not None:
        put(root, "ann", statement(effect, "opsworks:CreateLayer", Sid="It"))

    answers = [
        root("ExplainAccess", Action="CreateLayer", StackId=stack, UserArn=arn("ann")),
        user("ExplainAccess", Action="opsworks:CreateLayer", StackId=stack),
    ]

    for answer in answers:
        assert (answer["Rule"], answer["Level"]) == (rule, level)
        assert answer["Explanation"].startswith(said)
        assert answer["Allowed"] == said.startswith("yes")


def test_only_administrators_are_told_about_others_and_what_exists(root: Caller) -> None:
    user = ann(root)

    assert user("ExplainAccess", Action="CreateLayer", StackId="no-such")["Rule"] == "nothing"
    with pytest.raises(AccessDeniedException):
        user("ExplainAccess", Action="CreateLayer", UserArn=root.principal.arn)
    with pytest.raises(ResourceNotFoundException, match="no-such"):
        root("ExplainAccess", Action="CreateLayer", StackId="no-such")
    with pytest.raises(ValidationException, match="did you mean CreateLayer"):
        root("ExplainAccess", Action="CreateLayr")
    assert root("ExplainAccess", Action="CreateStack")["Rule"] == "owner"
