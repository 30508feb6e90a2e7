from __future__ import annotations

import json
from typing import Any

import pytest

from toque_server.domain.invalid import Invalid
from toque_server.domain.predefined_policies import PREDEFINED, find
from toque_server.domain.user_policy import LARGEST, parse

ALLOW = {"Sid": "Look", "Effect": "Allow", "Action": "opsworks:Describe*", "Resource": "*"}


def text(*statements: Any, **members: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)} | members)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"Effect": "allow"}, r"statement 2 \(Look\): Effect 'allow' must be 'Allow'", id="effect"),
        pytest.param({"Effect": None}, "Effect is missing and must be", id="no effect"),
        pytest.param({"Sid": "a b"}, "statement 2: Sid 'a b' is not allowed", id="sid"),
        pytest.param({"Sid": "First"}, "Sid 'First' is there twice", id="sid twice"),
        pytest.param({"Action": "CreateLayer"}, "must look like 'opsworks:CreateLayer'", id="action without service"),
        pytest.param({"Action": []}, "Action must be a text or a list of texts", id="no action"),
        pytest.param({"NotAction": "*"}, "has both Action and NotAction", id="both actions"),
        pytest.param({"Resource": "stack/1/"}, r"must be '\*' or an ARN such as arn:aws:opsworks", id="no ARN"),
        pytest.param({"Resource": "arn:aws:opsworks:*:*:stack/7"}, r"must end in a slash: .*stack/7/", id="slash"),
        pytest.param({"Resource": "arn:aws:opsworks:*:*:layer/7/"}, "is not a stack", id="no stack"),
        pytest.param({"Resource": "arn:aws:opsworks:*:*:stack/${aws:username}/"}, "has a variable", id="variable"),
        pytest.param({"Principal": "*"}, "Principal has no meaning in a policy of a user", id="principal"),
        pytest.param({"Rescource": "*"}, "has a member 'Rescource', which is none of Sid, Effect", id="member"),
        pytest.param({"Condition": []}, "Condition must be an object", id="condition"),
        pytest.param({"Condition": {"StringNotLike": {}}}, "'StringNotLike' is not supported", id="operator"),
        pytest.param({"Condition": {"Bool": {}}}, "at least one key", id="no key"),
        pytest.param({"Condition": {"Bool": {"aws:TokenAge": "1"}}}, "'aws:TokenAge' is not supported", id="key"),
        pytest.param({"Condition": {"Bool": {"aws:SourceIp": "1"}}}, "takes IpAddress or NotIp", id="key of operator"),
        pytest.param({"Condition": {"Bool": {"aws:SecureTransport": []}}}, "has no value", id="no value"),
        pytest.param({"Condition": {"Bool": {"aws:SecureTransport": "yes"}}}, "'yes' must be 'true'", id="bool"),
        pytest.param({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/40"}}}, "10.0.0.0/8", id="network"),
        pytest.param({"Condition": {"IpAddress": {"aws:SourceIp": 10}}}, "10 must be a text", id="no text"),
        pytest.param({"Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}}, "'soon' must be a time", id="time"),
    ],
)
def test_what_is_wrong_is_named_with_the_statement_and_the_way_out(change: dict[str, Any], said: str) -> None:
    statement = {name: value for name, value in (ALLOW | change).items() if value is not None}

    with pytest.raises(Invalid, match=said):
        parse(text(ALLOW | {"Sid": "First"}, statement))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        pytest.param("{", "PolicyDocument is not JSON", id="no JSON"),
        pytest.param("[]", "must be an object", id="no object"),
        pytest.param('{"Version": "2012-10-17"}', "has no Statement", id="no statement"),
        pytest.param('{"Statement": []}', "has no Statement", id="empty"),
        pytest.param('{"Statement": [1]}', "statement 1 must be an object", id="number"),
        pytest.param('{"Statement": [], "Statement": []}', "'Statement' is there twice", id="key twice"),
        pytest.param(text(ALLOW, Version="2020-01-01"), "please write '2012-10-17'", id="version"),
        pytest.param(text(ALLOW, Extra=1), "has a member 'Extra'", id="member"),
        pytest.param(" " * (LARGEST + 1), "please use several policies", id="large"),
        pytest.param(text(*[ALLOW] * 101), "may have 100", id="many"),
    ],
)
def test_a_document_that_is_none_is_refused(document: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        parse(document)


def test_statements_about_other_services_are_kept_and_ignored() -> None:
    foreign = {
        "Effect": "Allow",
        "Action": ["ec2:RunInstances", "s3:Get*"],
        "Resource": "arn:aws:s3:::bucket/*",
        "Condition": {"StringNotLike": {"ec2:Region": "eu-*"}},
    }

    assert [each.foreign for each in parse(text(foreign, ALLOW))] == [True, False]


def test_one_statement_need_not_be_a_list() -> None:
    [statement] = parse(json.dumps({"Statement": ALLOW}))

    assert (statement.name, statement.actions, statement.resources) == ("Look", ("opsworks:Describe*",), ("*",))


@pytest.mark.parametrize("name", sorted(PREDEFINED))
def test_each_predefined_policy_can_be_read_and_found_by_name_and_arn(name: str) -> None:
    policy = PREDEFINED[name]

    assert parse(policy.document)
    assert find(name) is find(policy.arn) is policy


def test_a_predefined_policy_that_is_none_is_answered_with_those_there_are() -> None:
    with pytest.raises(Invalid, match="use one of AWSOpsWorks_FullAccess, OpsWorksReadOnly"):
        find("arn:aws:iam::123456789012:policy/OpsWorksReadOnly")


def test_a_document_that_is_nested_too_deep_is_refused() -> None:
    with pytest.raises(Invalid, match="nested too deep"):
        parse("[" * 5_000)
