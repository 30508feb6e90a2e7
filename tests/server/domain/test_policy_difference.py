"""What changed between two policies: by part, by value."""

from __future__ import annotations

import doctest

from toque_server.domain import policy_difference
from toque_server.domain.policy_difference import LONGEST, ValueChange, changed_parts, changed_values


def test_the_examples_hold() -> None:
    assert doctest.testmod(policy_difference).failed == 0


def test_the_same_is_no_change() -> None:
    assert changed_parts({"stack": "a"}, {"stack": "a"}) == {}
    assert changed_values({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}) == []


def test_lists_are_one_value_and_what_is_not_there_is_no_null() -> None:
    before = {"recipes": {"setup": ["a::b"]}, "gone": None, "kept": 1}
    after = {"recipes": {"setup": ["a::b", "c::d"], "deploy": []}, "kept": 1}

    assert changed_values(before, after) == [
        ValueChange("gone", "null", None),
        ValueChange("recipes.deploy", None, "[]"),
        ValueChange("recipes.setup", '["a::b"]', '["a::b","c::d"]'),
    ]


def test_kinds_are_told_apart() -> None:
    assert changed_values({"a": 1, "b": {"c": 1}}, {"a": True, "b": 1}) == [
        ValueChange("a", "1", "true"),
        ValueChange("b", '{"c":1}', "1"),
    ]
    assert changed_values({"a": {}}, {}) == [ValueChange("a", "{}", None)]


def test_a_whole_part_that_came_is_told_value_by_value() -> None:
    assert changed_values({}, {"a": {"x": 1, "y": {}}}) == [
        ValueChange("a.x", None, "1"),
        ValueChange("a.y", None, "{}"),
    ]


def test_a_long_value_is_cut() -> None:
    [change] = changed_values({}, {"a": "x" * 5000})

    assert change.after is not None
    assert len(change.after) < LONGEST + 30
    assert change.after.endswith("… (5002 characters)")
