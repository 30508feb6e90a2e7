"""Whatever stands in a file, and whatever is set in it: it is read back, all else is as before, and it comes to rest."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from toque.platforms.config import ABSENT, CannotEdit, in_json, in_toml, in_yaml, same, with_value

NAMES = st.sampled_from(["a", "b", "c d", "e.f", "ключ", "on", "1", "a:b", "#x", "-", "~", "null"])
LEAVES = st.sampled_from(
    [1, -5, True, False, 1.5, "x", "two\nlines\n", "it's", "#no", "", "- x", "null", "1", "é", "{", 'q"\\']
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
DATA = st.dictionaries(NAMES, VALUES, max_size=4)


def toml(data: dict[str, Any], above: tuple[str, ...] = ()) -> str:
    """TOML as people write it: a table under its header, a comment here and there."""
    tables = {name: value for name, value in data.items() if isinstance(value, dict)}
    lines = [
        f"{in_toml._name(name)} = {in_toml._written(value)}  # note"
        for name, value in data.items()
        if name not in tables
    ]
    for name, table in tables.items():
        lines += ["", f"[{'.'.join(map(in_toml._name, (*above, name)))}]", toml(table, (*above, name))]
    return "\n".join([*lines, ""])


def yaml_block(data: dict[str, Any]) -> str:
    return "# head\n" + yaml.safe_dump(data, default_flow_style=False, allow_unicode=True, sort_keys=False)


def yaml_flow(data: dict[str, Any]) -> str:
    return yaml.safe_dump(data, default_flow_style=True, allow_unicode=True)


def paths(data: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in data.items():
        yield (*above, name)
        if isinstance(value, dict):
            yield from paths(value, (*above, name))


Edit = Callable[[str, Sequence[str], Any], str]


@pytest.mark.parametrize(
    ("written", "read", "edited"),
    [
        (toml, tomllib.loads, in_toml.edited),
        (yaml_block, yaml.safe_load, in_yaml.edited),
        (yaml_flow, yaml.safe_load, in_yaml.edited),
        (lambda data: json.dumps(data, indent=4), json.loads, in_json.edited),
    ],
    ids=["toml", "yaml", "yaml-flow", "json"],
)
@given(data=DATA, more=st.lists(NAMES, max_size=1), value=VALUES | st.just(ABSENT), choice=st.randoms())
@settings(max_examples=120, deadline=None)
def test_what_is_set_is_read_back_and_nothing_else_changes(
    written: Callable[[Any], str],
    read: Callable[[str], Any],
    edited: Edit,
    data: Any,
    more: Any,
    value: Any,
    choice: Any,
) -> None:
    keys = (*choice.choice([*paths(data), ("a",)]), *more)
    text = written(data)
    before = read(text)
    try:
        made = edited(text, keys, value)
    except CannotEdit:
        return

    assert same(read(made) or {}, with_value(before, keys, value))
    assert edited(made, keys, value) == made
    assert not text.startswith("# head") or made.startswith("# head")
