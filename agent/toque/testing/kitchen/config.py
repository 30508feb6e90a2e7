"""kitchen.toml: which suites a cookbook is tried in. Without the file there is one suite, with the recipe `default`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from toque.cookbook.layout import CookbookInfo, split_recipe
from toque.core.errors import NotLoadable, did_you_mean

FILE = "kitchen.toml"
VERIFY = "tests/kitchen"
_DRIVERS = ("sandbox",)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


class BadKitchen(NotLoadable):
    """A kitchen.toml that cannot be used: which line, why, what would do."""

    def __init__(self, path: Path, reason: str, line: int = 1) -> None:
        super().__init__(f"{path}:{line}: {reason}")


@dataclass(frozen=True)
class Driver:
    """What the machine is: `sandbox`, with a network `shared` with this machine, or `own` (needs root)."""

    name: str = "sandbox"
    network: str = "shared"
    size_limit_mb: int | None = None


@dataclass(frozen=True)
class Suite:
    """One way to use the cookbook: recipes in their order, and the world they see (as `fake_node` takes it)."""

    name: str
    recipes: tuple[str, ...]
    verify: str = VERIFY
    hostname: str = "kitchen"
    layers: tuple[str, ...] | Mapping[str, Any] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    peers: Mapping[str, Any] = field(default_factory=dict)
    apps: tuple[Mapping[str, Any], ...] = ()
    bags: Mapping[str, Any] = field(default_factory=dict)
    command: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    driver: Driver = Driver()


def suites_of(folder: Path, cookbook: CookbookInfo) -> list[Suite]:
    """The suites of a cookbook, in their order; raises BadKitchen."""
    path = folder / FILE
    if not path.is_file():
        recipes = ("default",) if "default" in cookbook.recipes else cookbook.recipes[:1]
        return [Suite("default", tuple(f"{cookbook.name}::{each}" for each in recipes))] if recipes else []
    text = path.read_text(encoding="utf-8")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        raise BadKitchen(path, str(error), int(at[1]) if at else 1) from None
    return _Reader(path, text, cookbook).suites(data)


class _Reader:
    def __init__(self, path: Path, text: str, cookbook: CookbookInfo) -> None:
        self._path, self._lines, self._cookbook = path, text.splitlines(), cookbook

    def suites(self, data: dict[str, Any]) -> list[Suite]:
        for key in data:
            if key not in ("driver", "suite"):
                raise self._bad(f"there is no table [{key}]{did_you_mean(key, ['driver', 'suite'])}", key)
        driver = self._driver(data.get("driver", {}))
        tables = data.get("suite")
        if not (isinstance(tables, list) and tables and all(isinstance(each, dict) for each in tables)):
            raise self._bad('needs at least one table [[suite]] with name = "…" and recipes = ["…"]', "suite")
        found = [self._suite(each, driver) for each in tables]
        names = [each.name for each in found]
        for name in names:
            if names.count(name) > 1:
                raise self._bad(f"two suites are called {name!r}", "name")
        return found

    def _driver(self, table: Any) -> Driver:
        self._keys(table, "driver", Driver, ())
        if table.get("name", "sandbox") not in _DRIVERS:
            raise self._bad(f"driver name must be {' or '.join(_DRIVERS)}, got {table['name']!r}", "name")
        if table.get("network", "shared") not in ("shared", "own"):
            raise self._bad(f"driver network must be shared or own, got {table['network']!r}", "network")
        limit = table.get("size_limit_mb")
        if limit is not None and not (type(limit) is int and limit > 0):
            raise self._bad(f"driver size_limit_mb must be a whole number above 0, got {limit!r}", "size_limit_mb")
        return Driver(**table)

    def _suite(self, table: dict[str, Any], driver: Driver) -> Suite:
        self._keys(table, "suite", Suite, ("driver",))
        name, recipes = table.get("name", "default"), table.get("recipes", [])
        if not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise self._bad(f"a suite's name is lower-case letters, digits, - and _; got {name!r}", "name")
        if not (isinstance(recipes, list) and recipes and all(isinstance(each, str) for each in recipes)):
            raise self._bad(f'suite {name} needs recipes = ["{self._cookbook.name}::default"]', "recipes")
        for each in recipes:
            self._check_recipe(each)
        for key, kind in _KINDS.items():
            if key in table and not isinstance(table[key], kind):
                raise self._bad(f"suite {name}: {key} must be {_WORDS[key]}, got {table[key]!r}", key)
        lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
        return Suite(**{**table, "name": name, **lists, "driver": driver})

    def _check_recipe(self, text: str) -> None:
        try:
            cookbook, recipe = split_recipe(text)
        except NotLoadable as error:
            raise self._bad(str(error), "recipes") from None
        known = self._cookbook.recipes
        if cookbook == self._cookbook.name and recipe not in known:
            raise self._bad(f"there is no recipe {cookbook}::{recipe}{did_you_mean(recipe, known)}", "recipes")

    def _keys(self, table: Any, what: str, kind: type[Any], hidden: tuple[str, ...]) -> None:
        if not isinstance(table, dict):
            raise self._bad(f"[{what}] must be a table", what)
        known = [each.name for each in fields(kind) if each.name not in hidden]
        for key in table:
            if key not in known:
                raise self._bad(f"[{what}] has no {key}{did_you_mean(key, known)}", key)

    def _bad(self, reason: str, key: str = "") -> BadKitchen:
        begins = re.compile(rf"\s*\[*{re.escape(key)}\b")
        line = next((number for number, each in enumerate(self._lines, 1) if key and begins.match(each)), 1)
        return BadKitchen(self._path, reason, line)


_KINDS: dict[str, Any] = {
    "verify": str,
    "hostname": str,
    "layers": (list, dict),
    "attributes": dict,
    "peers": dict,
    "apps": list,
    "bags": dict,
    "command": dict,
    "secrets": list,
}
_WORDS = {
    "verify": "the name of a folder",
    "hostname": "text",
    "layers": "a list of names, or a table",
    "attributes": "a table",
    "peers": "a table",
    "apps": "a list of tables",
    "bags": "a table",
    "command": "a table",
    "secrets": "a list of texts",
}
