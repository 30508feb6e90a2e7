"""Choosing versions: what comes out satisfies everybody, or nobody could be satisfied."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from toque.cookbook.bundle import pack
from toque.cookbook.deps.cache import Cache
from toque.cookbook.deps.errors import BadDependencies
from toque.cookbook.deps.fetch import Fetcher
from toque.cookbook.deps.lock import Lock
from toque.cookbook.deps.manifest import Manifest, ServerSource
from toque.cookbook.deps.solve import Solver
from toque.cookbook.layout import CookbookInfo

SOURCE = ServerSource("https://toque.example.org", "shared")

World = Mapping[str, Mapping[str, Mapping[str, str]]]
"""{cookbook: {version: {required cookbook: specifier}}}."""


@dataclass
class Shelves:
    """A server that has published a world: real bundles, made when they are asked for."""

    place: Path
    world: World
    asked: list[str] = field(default_factory=list)

    def listed(self, source: ServerSource) -> Mapping[str, Mapping[str, str]]:
        return {name: {version: f"{name} {version}" for version in versions} for name, versions in self.world.items()}

    def bundle(self, source: ServerSource, digest: str) -> bytes:
        self.asked.append(digest)
        name, version = digest.split()
        folder = self.place / "published" / name
        (folder / "recipes").mkdir(parents=True, exist_ok=True)
        needs = "".join(f'{need} = "{spec}"\n' for need, spec in self.world[name][version].items())
        text = f'[cookbook]\nname = "{name}"\nversion = "{version}"\n[requires]\n{needs}'
        (folder / "cookbook.toml").write_text(text)
        pack({name: folder}, self.place / "bundle")
        return (self.place / "bundle").read_bytes()


def solved(
    place: Path, world: World, wanted: Mapping[str, str], old: Lock | None = None, update: set[str] | None = None
) -> Lock:
    """The lock of a repository whose one cookbook `shop` requires what is wanted."""
    shop = place / "mine" / "shop"
    shop.mkdir(parents=True, exist_ok=True)
    needs = "".join(f'{need} = "{spec}"\n' for need, spec in wanted.items())
    (shop / "cookbook.toml").write_text(f'[cookbook]\nname = "shop"\nversion = "1.0"\n\n[requires]\n{needs}')
    fetcher = Fetcher(shop.parent, Cache(place / "cache"), {"main": SOURCE}, Shelves(place, world))
    manifest = Manifest(shop.parent / "cookbooks.toml", {"main": SOURCE}, {})
    own = {"shop": CookbookInfo("shop", "1.0", (), (), dict(wanted))}
    return Solver(manifest, own, {"shop": shop}, fetcher, old, update if update is not None else set()).solve()


def versions(lock: Lock) -> dict[str, str]:
    return {name: each.version for name, each in lock.cookbooks.items()}


def test_the_newest_that_everybody_can_live_with_is_chosen(tmp_path: Path) -> None:
    world = {
        "web": {"1.0": {"tls": "<2"}, "2.0": {"tls": ">=2"}, "10.0": {"tls": ">=9"}, "11.0a1": {}},
        "tls": {"1.0": {}, "2.0": {}, "2.1": {}},
        "mail": {"1.0": {"tls": "!=2.1"}},
    }

    assert versions(solved(tmp_path, world, {"web": "*", "mail": "*"})) == {"web": "2.0", "mail": "1.0", "tls": "2.0"}


def test_a_pre_release_is_for_those_who_ask_for_one(tmp_path: Path) -> None:
    world = {"web": {"1.0": {}, "2.0a1": {}}}

    assert versions(solved(tmp_path, world, {"web": ">=1"})) == {"web": "1.0"}
    assert versions(solved(tmp_path, world, {"web": ">=2.0a1"})) == {"web": "2.0a1"}
    assert versions(solved(tmp_path, world, {"web": ">1"})) == {"web": "2.0a1"}, "or where nothing else will do"


def test_a_cookbook_that_requires_itself_in_a_circle_is_locked_once(tmp_path: Path) -> None:
    world = {"web": {"1.0": {"tls": "*"}}, "tls": {"1.0": {"web": ">=1"}}}

    assert versions(solved(tmp_path, world, {"web": "*"})) == {"web": "1.0", "tls": "1.0"}


def test_a_circle_of_cookbooks_that_nobody_needs_any_more_is_left_out(tmp_path: Path) -> None:
    world = {
        "a": {"1.0": {}, "2.0": {"b": "*", "d": ">=9"}},
        "b": {"1.0": {"c": "*"}},
        "c": {"1.0": {"b": "*"}},
        "d": {"1.0": {}},
    }

    assert versions(solved(tmp_path, world, {"a": "*"})) == {"a": "1.0"}


def test_what_is_locked_stays_until_it_is_updated_or_stands_in_the_way(tmp_path: Path) -> None:
    old_world = {"web": {"1.0": {"tls": "*"}}, "tls": {"1.0": {}}}
    world = {"web": {"1.0": {"tls": "*"}, "2.0": {"tls": "*"}}, "tls": {"1.0": {}, "2.0": {}}}
    old = solved(tmp_path, old_world, {"web": "*"})

    assert versions(solved(tmp_path, world, {"web": "*"}, old)) == {"web": "1.0", "tls": "1.0"}
    assert versions(solved(tmp_path, world, {"web": "*"}, old, {"tls"})) == {"web": "1.0", "tls": "2.0"}
    assert versions(solved(tmp_path, world, {"web": ">=2"}, old)) == {"web": "2.0", "tls": "1.0"}


def test_a_conflict_names_both_sides_and_what_there_is(tmp_path: Path) -> None:
    world = {"web": {"1.2": {"nginx": ">=2"}}, "db": {"3.0": {"nginx": "<2"}}, "nginx": {"1.9": {}, "2.1": {}}}

    with pytest.raises(BadDependencies) as failed:
        solved(tmp_path, world, {"web": "*", "db": "*"})

    said = str(failed.value)
    assert "db 3.0 needs nginx <2" in said
    assert "web 1.2 needs nginx >=2" in said
    assert ", but " in said
    assert "; of nginx there is 2.1 (server main), 1.9 (server main)" in said


NAMES = ["a", "b", "c", "d"]
needs = st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(["*", ">=2", "<2", "==1.0", "!=2.0", "~=2.0"]), max_size=2
)
worlds = st.fixed_dictionaries(
    {
        name: st.dictionaries(st.sampled_from(["1.0", "1.5", "2.0", "2.5"]), needs, min_size=1, max_size=3)
        for name in NAMES
    }
)


def fits(chosen: Mapping[str, str], wanted: Mapping[str, str], world: World) -> bool:
    asked = [wanted, *(world[name][version] for name, version in chosen.items())]
    return all(
        need in chosen and (spec == "*" or SpecifierSet(spec).contains(chosen[need], True))
        for each in asked
        for need, spec in each.items()
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds, wanted=needs)
def test_a_solution_is_found_exactly_where_there_is_one(
    tmp_path_factory: pytest.TempPathFactory, world: World, wanted: Mapping[str, str]
) -> None:
    every = itertools.product(*([None, *world[name]] for name in NAMES))
    all_choices = [{n: v for n, v in zip(NAMES, each, strict=True) if v is not None} for each in every]
    is_possible = any(fits(each, wanted, world) for each in all_choices)

    try:
        chosen = versions(solved(tmp_path_factory.mktemp("world"), world, wanted))
    except BadDependencies:
        assert not is_possible
    else:
        assert fits(chosen, wanted, world)
        needed = {*wanted, *(need for name, version in chosen.items() for need in world[name][version])}
        assert set(chosen) <= needed
