"""Events: filters, pages, and following from where one stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import ValidationException
from toque_server.store import events

BEGIN = datetime(2026, 11, 22, 8, tzinfo=UTC)


def happened(root: Caller, stack: str, *kinds: str, instance: str | None = None) -> None:
    """One event a minute."""
    with root.services.database.write() as conn:
        for minute, kind in enumerate(kinds):
            at = BEGIN + timedelta(minutes=minute)
            events.add(conn, kind, kind, at=at, stack_id=stack, instance_id=instance)


def kinds(root: Caller, **wanted: Any) -> list[str]:
    return [each["Kind"] for each in root("DescribeEvents", **wanted)["Events"]]


def test_events_are_found_by_kind_whole_or_by_what_it_begins_with(root_on_either: Caller) -> None:
    stack = root_on_either.stack()
    happened(root_on_either, stack, "heal.started", "healing.frozen", "instance.status", "heal.ended", "heal_x.y")

    assert kinds(root_on_either, Kinds=["heal"]) == ["heal.ended", "heal.started"]
    assert kinds(root_on_either, Kinds=["heal", "instance.status"], StackId=stack) == [
        "heal.ended",
        "instance.status",
        "heal.started",
    ]
    assert kinds(root_on_either, Kinds=["heal.started"], After=0) == ["heal.started"]


def test_events_are_found_by_time_and_by_instance(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    one, two = (root.instance(stack, root.layer(stack, name)) for name in ("one", "two"))
    happened(root, stack, "a.one", "b.one", "c.one", instance=one)
    happened(root, stack, "a.two", instance=two)

    since, until = (BEGIN + timedelta(minutes=each) for each in (1, 2))
    assert kinds(root, InstanceId=one, Since=since.isoformat(), Until=until.isoformat()) == ["b.one"]
    assert kinds(root, Since="2026-11-22T09:00:00+01:00", Until="2026-11-22T09:01:00+01:00") == ["a.two", "a.one"]


def test_new_events_move_no_page(root_on_either: Caller) -> None:
    root = root_on_either
    stack = root.stack()
    happened(root, stack, *(f"step.n{letter}" for letter in "abcde"))

    first = root("DescribeEvents", Kinds=["step"], MaxResults=2)
    happened(root, stack, "step.later")
    second = root("DescribeEvents", Kinds=["step"], MaxResults=2, NextToken=first["NextToken"])
    third = root("DescribeEvents", Kinds=["step"], MaxResults=2, NextToken=second["NextToken"])

    shown = [each["Kind"] for page in (first, second, third) for each in page["Events"]]
    assert shown == [f"step.n{letter}" for letter in "edcba"]
    assert "NextToken" not in third
    assert kinds(root, Kinds=["step"], After=first["LastNumber"]) == ["step.later"]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"MaxResults": 1001}, "MaxResults must be 1 to 1000, not 1001"),
        ({"Kinds": ["Heal%"]}, "Kinds has 'Heal%': please give a kind of event"),
        ({"Kinds": [f"a.{n}" for n in range(51)]}, "Kinds has 51, and may have 50"),
        ({"Since": "yesterday"}, "Since 'yesterday' must be a time with its zone, such as 2026-"),
        ({"Until": "2026-11-22T08:00:00"}, "Until '2026-11-22T08:00:00' must be a time with its zone"),
        ({"Since": "2026-11-22T08:00:00Z", "Until": "2026-11-22T08:00:00Z"}, "Since must be before Until"),
        ({"After": 1 << 63}, "After is out of range: an integer has at most 64 bits"),
        ({"After": 3, "NextToken": "x"}, "either After or NextToken"),
        ({"NextToken": "x"}, "NextToken is not one that this server gave for this request"),
    ],
    ids=["size", "kind", "kinds", "since", "until", "span", "after", "after-and-token", "token"],
)
def test_what_is_wrong_is_named(root: Caller, members: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationException) as refused:
        root("DescribeEvents", **members)

    assert said in str(refused.value)
    assert refused.value.field in members


def test_a_token_leads_into_no_other_list(root: Caller) -> None:
    stack = root.stack()
    happened(root, stack, "a.b", "a.c", "a.d")
    token = root("DescribeEvents", MaxResults=1)["NextToken"]

    for wanted in ({"StackId": stack}, {"Kinds": ["a"]}):
        with pytest.raises(ValidationException, match="for this request"):
            root("DescribeEvents", NextToken=token, **wanted)
