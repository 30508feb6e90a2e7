"""Which level of the chain a setting comes from, as a node would merge it."""

from __future__ import annotations

from typing import Any

import pytest

from toque.cookbook.explain import DEFAULT, Chain, Unmergeable
from toque.cookbook.settings_schema import parse_settings

WEB = parse_settings(
    """
from dataclasses import dataclass, field
from toque import Secret

@dataclass(frozen=True)
class Tls:
    on: bool = False
    key: Secret = Secret("made-up")

@dataclass(frozen=True)
class Settings:
    name: str
    port: int = 80
    hosts: list[str] = field(default_factory=lambda: ["a"])
    tls: Tls = Tls()
    password: Secret | None = None
""",
    "web",
)

TABLE: dict[str, tuple[list[dict[str, Any]], str, Any, list[tuple[int, str]]]] = {
    "a default": ([], "port", 80, [(DEFAULT, "wins")]),
    "a level over it": ([{"port": 81}], "port", 81, [(DEFAULT, "overridden"), (0, "wins")]),
    "the strongest": ([{"port": 81}, {}, {"port": 82}], "port", 82, [(-1, "overridden"), (0, "overridden"), (2, "wins")]),
    "a list replaces": ([{"hosts": ["b"]}], "hosts", ["b"], [(-1, "overridden"), (0, "wins")]),
    "a list goes on": ([{"hosts": {"$append": ["b"]}}], "hosts", ["a", "b"], [(-1, "begins"), (0, "appends")]),
    "a list of levels": (
        [{"hosts": ["b"]}, {"hosts": {"$append": ["c"]}}],
        "hosts",
        ["b", "c"],
        [(-1, "overridden"), (0, "begins"), (1, "appends")],
    ),
    "taken away": ([{"port": 81}, {"port": {"$delete": True}}], "port", 80, [(-1, "wins"), (0, "overridden"), (1, "deletes")]),
    "a map is merged": ([{"tls": {"on": True}}], "tls.on", True, [(-1, "overridden"), (0, "wins")]),
    "a map begun anew": (
        [{"tls": {"on": True}}, {"tls": {"$delete": True, "key": "k"}}],
        "tls.on",
        False,
        [(-1, "wins"), (0, "overridden"), (1, "deletes")],
    ),
    "null is a value": ([{"password": "x"}, {"password": None}], "password", None, [(-1, "overridden"), (0, "overridden"), (1, "wins")]),
    "without a default": ([{"name": "n"}], "name", "n", [(0, "wins")]),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_every_level_says_what_became_of_it(case: str) -> None:
    levels, key, value, effects = TABLE[case]

    found = Chain([{"web": each} for each in levels], {"web": WEB}).explain(("web", *key.split(".")))

    assert (found.value, found.is_set) == (value, True)
    assert [(each.level, each.effect) for each in found.said] == effects


def test_keys_of_no_cookbook_are_explained_as_they_merge() -> None:
    chain = Chain([{"shop": {"db": {"host": "a", "port": 1}}}, {"shop": {"db": "none"}}])

    assert [".".join(each) for each in chain.paths()] == ["shop.db", "shop.db.host", "shop.db.port"]
    gone = chain.explain(("shop", "db", "host"))
    assert (gone.is_set, gone.winner) == (False, None)
    assert [each.effect for each in gone.said] == ["overridden", "replaces_map"]
    assert chain.explain(("shop", "db")).value == "none"


def test_a_part_of_a_name_is_no_path() -> None:
    chain = Chain([{"web": {"port": 1}, "web2": {"port": 2}, "a.b": {"c": 3}}])

    assert chain.paths("web") == [("web", "port")]
    assert chain.paths("a.b") == [("a.b", "c")]
    assert chain.paths("web.por") == []


def test_values_that_do_not_fit_are_explained_all_the_same() -> None:
    found = Chain([{"web": {"port": "81"}}], {"web": WEB}).explain(("web", "port"))

    assert (found.value, found.winner) == ("81", 0)


def test_S14_what_is_secret_is_known_from_the_type_and_of_a_database_the_password() -> None:
    chain = Chain([{"deploy": {"shop": {"database": {"password": "p", "host": "h"}}}}], {"web": WEB})

    assert {each: chain.explain(each).secret for each in chain.paths()} == {
        ("deploy", "shop", "database", "host"): False,
        ("deploy", "shop", "database", "password"): True,
        ("web", "hosts"): False,
        ("web", "password"): True,
        ("web", "port"): False,
        ("web", "tls", "key"): True,
        ("web", "tls", "on"): False,
    }


def test_what_no_node_could_merge_is_said() -> None:
    with pytest.raises(Unmergeable, match=r"web.port: \$append goes after a list"):
        Chain([{"web": {"port": 1}}, {"web": {"port": {"$append": [2]}}}])
