from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque_server.domain.cedar import Asked, AttachedPolicies, CannotJudge
from toque_server.domain.permission import Effect, StackRef

ACCOUNT = "123456789012"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
STACK = StackRef("s-1", "eu-1")


def policies(*statements: dict[str, Any], **asked: Any) -> AttachedPolicies:
    facts: dict[str, Any] = {"username": "ann", "account_id": ACCOUNT, "at": NOON, "address": "10.1.2.3"}
    return AttachedPolicies([("mine", json.dumps({"Statement": list(statements)}))], Asked(**facts | asked))


def allow(action: Any = "*", resource: Any = "*", **members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | members


def deny(action: Any = "*", resource: Any = "*", **members: Any) -> dict[str, Any]:
    return allow(action, resource, **members) | {"Effect": "Deny"}


@pytest.mark.parametrize(
    ("resource", "fits"),
    [
        ("*", True),
        ("arn:aws:opsworks:*:*:stack/s-1/", True),
        ("arn:aws:opsworks:eu-?:123456789012:stack/s-?/", True),
        ("arn:aws:opsworks:*:*:stack/*", True),
        ("arn:aws:opsworks:us-1:*:stack/s-1/", False),
        ("arn:aws:opsworks:*:999999999999:stack/s-1/", False),
        ("arn:aws:opsworks:*:*:stack/s-10/", False),
        ("arn:aws:opsworks:*:*:stack/S-1/", False),
    ],
)
def test_07_11_resources_are_stacks_with_wildcards_and_a_slash(resource: str, fits: bool) -> None:
    effect = policies(allow(resource=resource)).effect("StopInstance", STACK)

    assert (effect is Effect.ALLOW) == fits


def test_a_policy_for_certain_stacks_says_nothing_of_what_concerns_no_stack() -> None:
    assert policies(allow(resource="arn:aws:opsworks:*:*:stack/*/")).effect("CreateStack", None) is Effect.SILENT
    assert policies(allow()).effect("CreateStack", None) is Effect.ALLOW


def test_deny_beats_allow_and_names_its_statement() -> None:
    mixed = policies(allow("opsworks:*", Sid="All"), deny("opsworks:Stop*", Sid="NoStop"))

    assert (mixed.effect("StopInstance", STACK), mixed.deciding("StopInstance", STACK)) == (
        Effect.DENY,
        ("mine/NoStop",),
    )
    assert mixed.deciding("StartInstance", STACK) == ("mine/All",)


def test_actions_are_told_apart_without_regard_to_capitals() -> None:
    assert policies(allow("opsworks:createlayer")).effect("CreateLayer", STACK) is Effect.ALLOW
    assert policies(allow("opsworks:Create?ayer")).effect("CreateLayer", STACK) is Effect.ALLOW
    assert policies(allow("opsworks:?ayer")).effect("CreateLayer", STACK) is Effect.SILENT


def test_actions_of_other_services_count_where_they_are_asked_for() -> None:
    some = policies(allow("iam:Create*"), allow("ec2:*"))

    assert some.opinion("iam:CreateUser", "*")[0] is Effect.ALLOW
    assert some.opinion("ec2:RunInstances", "*")[0] is Effect.SILENT
    assert some.effect("CreateUser", None) is Effect.SILENT


@pytest.mark.parametrize("address", ["", "unix:", "not an address"])
def test_without_an_address_no_network_fits(address: str) -> None:
    inside = {"aws:SourceIp": "0.0.0.0/0"}

    only = policies(allow(Condition={"IpAddress": inside}), address=address)
    but = policies(deny(Condition={"NotIpAddress": inside}), address=address)

    assert (only.effect("StopInstance", STACK), but.effect("StopInstance", STACK)) == (Effect.SILENT, Effect.DENY)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_an_ipv4_address_is_one_in_whatever_form_it_comes(address: str) -> None:
    only = policies(allow(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), address=address)

    assert only.effect("StopInstance", STACK) is Effect.ALLOW


def test_a_document_that_cannot_be_read_any_more_allows_nothing() -> None:
    with pytest.raises(CannotJudge, match="policy old cannot be read: PolicyDocument is not JSON"):
        AttachedPolicies([("old", "{")], Asked(username="ann", account_id=ACCOUNT, at=NOON))


@pytest.mark.parametrize("name", ['a"b\\c', "ä\n*", "*", "${x", "?"])
def test_any_text_is_a_text_to_cedar(name: str) -> None:
    values = {"aws:username": name.replace("${", "$ {")}

    equal = policies(allow(Condition={"StringEquals": values}), username=values["aws:username"])

    assert equal.effect("StopInstance", STACK) is Effect.ALLOW
    assert policies(allow(Condition={"StringEquals": values}), username="ann").effect("A", STACK) is Effect.SILENT


# The same once more, in plain Python and from the JSON alone: what Cedar says has to be what this says. -------------


def oracle(statements: Iterable[dict[str, Any]], action: str, resource: str, asked: Asked) -> Effect:
    fitting = [each["Effect"] for each in statements if _fits(each, action, resource, asked)]
    return Effect.DENY if "Deny" in fitting else Effect.ALLOW if fitting else Effect.SILENT


def _fits(statement: dict[str, Any], action: str, resource: str, asked: Asked) -> bool:
    said = [_among(statement, "Action", action, str.lower), _among(statement, "Resource", resource, str)]
    conditions = statement.get("Condition", {})
    return all(said) and all(
        _holds(operator, key, values if isinstance(values, list) else [values], asked)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _among(statement: dict[str, Any], member: str, value: str, fold: Any) -> bool:
    written = statement.get(member, statement.get(f"Not{member}"))
    patterns = written if isinstance(written, list) else [written]
    found = any(glob(fold(pattern), fold(value)) for pattern in patterns)
    return found if member in statement else not found


def glob(pattern: str, text: str) -> bool:
    """By the letter: `*` is any text, `?` is one character."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return glob(pattern[1:], text) or (bool(text) and glob(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and glob(pattern[1:], text[1:])


def _holds(operator: str, key: str, values: list[Any], asked: Asked) -> bool:
    if operator in ("IpAddress", "NotIpAddress"):
        try:
            address = ipaddress.ip_address(asked.address)
        except ValueError:
            return operator == "NotIpAddress"
        inside = any(address in ipaddress.ip_network(each, strict=False) for each in values)
        return inside == (operator == "IpAddress")
    match operator:
        case "DateLessThan":
            return any(asked.at < datetime.fromisoformat(each) for each in values)
        case "DateGreaterThan":
            return any(asked.at > datetime.fromisoformat(each) for each in values)
        case "Bool":
            return any((str(each).lower() == "true") == asked.secure for each in values)
    if key == "iam:PassedToService":
        return False
    return any(each == asked.username if operator == "StringEquals" else glob(each, asked.username) for each in values)


ACTIONS = ["CreateLayer", "CreateStack", "DescribeStacks", "StopInstance", "UpdateApp"]
ARNS = [f"arn:aws:opsworks:{region}:{ACCOUNT}:stack/{id}/" for region in ("eu-1", "us-1") for id in ("a", "b")]

ODD = ["*", "Create*", "create?*", "*Stack*", "Stop?nstance", "D??s*s"]

patterns_of_actions = st.sampled_from(
    ["*", "iam:*", "ec2:*", *(f"opsworks:{name}" for name in ODD), *(f"opsworks:{name}" for name in ACTIONS)]
)
patterns_of_resources = st.sampled_from(
    ["*", *ARNS, "arn:aws:opsworks:*:*:stack/*", "arn:aws:opsworks:*:*:stack/a/", "arn:aws:opsworks:eu-?:*:stack/?/"]
)


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return values | st.lists(values, min_size=1, max_size=3)


times = st.sampled_from([f"2026-11-22T{hour}:00:00+00:00" for hour in ("11", "12", "13")])
networks = st.sampled_from(["10.0.0.0/8", "10.1.2.3", "10.9.9.9/16", "192.168.0.0/16", "2001:db8::/32", "0.0.0.0/0"])
names = st.sampled_from(["ann", "a*", "?nn", "bob", "*", "a?"])
conditions = st.fixed_dictionaries(
    {},
    optional={
        "IpAddress": st.fixed_dictionaries({"aws:SourceIp": some(networks)}),
        "NotIpAddress": st.fixed_dictionaries({"aws:SourceIp": some(networks)}),
        "DateLessThan": st.fixed_dictionaries({"aws:CurrentTime": some(times)}),
        "DateGreaterThan": st.fixed_dictionaries({"aws:CurrentTime": some(times)}),
        "Bool": st.fixed_dictionaries({"aws:SecureTransport": some(st.sampled_from(["true", "false", True]))}),
        "StringEquals": st.fixed_dictionaries({"aws:username": some(names)}),
        "StringLike": st.fixed_dictionaries({}, optional={"iam:PassedToService": some(names)}).filter(bool)
        | st.fixed_dictionaries({"aws:username": some(names)}),
    },
)


@st.composite
def statement(draw: st.DrawFn) -> dict[str, Any]:
    made: dict[str, Any] = {"Effect": draw(st.sampled_from(["Allow", "Deny"]))}
    made[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(some(patterns_of_actions))
    made[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(some(patterns_of_resources))
    if draw(st.booleans()):
        made["Condition"] = draw(conditions)
    return made


requests = st.builds(
    Asked,
    username=st.sampled_from(["ann", "bob", "a"]),
    account_id=st.just(ACCOUNT),
    at=st.sampled_from([NOON, NOON.replace(hour=11, minute=30), NOON.replace(hour=23)]),
    address=st.sampled_from(["10.1.2.3", "192.168.7.7", "2001:db8::7", ""]),
    secure=st.booleans(),
)


@given(
    statements=st.lists(statement(), min_size=1, max_size=4),
    action=st.sampled_from([f"opsworks:{name}" for name in ACTIONS] + ["iam:CreateUser"]),
    resource=st.sampled_from(["*", *ARNS]),
    asked=requests,
)
def test_cedar_says_what_plain_python_says(
    statements: list[dict[str, Any]], action: str, resource: str, asked: Asked
) -> None:
    attached = AttachedPolicies([("mine", json.dumps({"Statement": statements}))], asked)

    assert attached.opinion(action, resource)[0] == oracle(statements, action, resource, asked)
