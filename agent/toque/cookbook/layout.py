"""What a cookbook looks like on disk, and what its manifest says.

nginx/
  cookbook.toml    [cookbook] name, version, description, platforms    [requires] other = ">=1.2"
  settings.py      one frozen dataclass Settings (optional)
  recipes/*.py     executed top to bottom, by name nginx::setup; `default` is nginx alone
  templates/  files/  resources/  tests/
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toque.core.errors import NotLoadable, did_you_mean
from toque.protocol.names import BadName, check_cookbook_name, check_recipe_name

MANIFEST = "cookbook.toml"
VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){0,3}((a|b|rc|\.dev|\.post)\d{1,9})?", re.ASCII)
"""What a cookbook may call its version; PEP 440 understands all of it."""
_KEYS = {"cookbook": {"name", "version", "description", "platforms", "maintainer", "license"}}


class BadCookbook(NotLoadable):
    """A folder that is not a cookbook, or one whose manifest is wrong: which file, which line, what to do."""

    def __init__(self, path: Path, reason: str, line: int = 0) -> None:
        self.path, self.reason, self.line = path, reason, line
        super().__init__(f"{path}:{line}: {reason}" if line else f"{path}: {reason}")


@dataclass(frozen=True)
class CookbookInfo:
    name: str
    version: str
    recipes: tuple[str, ...]
    platforms: tuple[str, ...] = ()
    requires: dict[str, str] = field(default_factory=dict)
    description: str = ""


def split_recipe(text: str) -> tuple[str, str]:
    """`nginx::setup` → (`nginx`, `setup`); `nginx` → (`nginx`, `default`). Raises NotLoadable for anything else."""
    try:
        return check_recipe_name(text)
    except BadName as error:
        raise NotLoadable(str(error)) from None


def find_cookbooks(root: Path) -> dict[str, Path]:
    """The cookbooks of a repository: the root itself if it is one, else one folder per cookbook. By name, sorted."""
    if (root / MANIFEST).is_file():
        return {load_cookbook(root).name: root}
    found: dict[str, Path] = {}
    for folder in sorted(p for p in root.iterdir() if (p / MANIFEST).is_file()) if root.is_dir() else []:
        name = load_cookbook(folder).name
        if name in found:
            raise BadCookbook(folder / MANIFEST, f"{found[name]} is a cookbook {name} as well", 1)
        found[name] = folder
    return found


def load_cookbook(path: Path) -> CookbookInfo:
    """Read a cookbook's manifest, strictly, and list its recipes. Raises BadCookbook with file and line."""
    import tomllib  # not where a single file is applied

    manifest = path / MANIFEST
    try:
        text = manifest.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except FileNotFoundError:
        raise BadCookbook(path, f"is no cookbook: it has no {MANIFEST}") from None
    except UnicodeDecodeError:
        raise BadCookbook(manifest, "is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        raise BadCookbook(manifest, str(error), int(at[1]) if at else 1) from None
    return _checked(path, manifest, text, data)


def _checked(path: Path, manifest: Path, text: str, data: dict[str, Any]) -> CookbookInfo:
    def fail(reason: str, key: str = "") -> BadCookbook:
        lines = text.splitlines()
        line = next(
            (n for n, each in enumerate(lines, 1) if key and re.match(rf"\s*\[?\"?{re.escape(key)}\b", each)), 1
        )
        return BadCookbook(manifest, reason, line)

    for key in data:
        if key not in ("cookbook", "requires"):
            raise fail(f"there is no table [{key}]{did_you_mean(key, ['cookbook', 'requires'])}", key)
    table = data.get("cookbook")
    if not isinstance(table, dict):
        raise fail('needs a table [cookbook] with name = "…" and version = "…"')
    for key in table:
        if key not in _KEYS["cookbook"]:
            raise fail(f"[cookbook] has no {key}{did_you_mean(key, _KEYS['cookbook'])}", key)
    name, version = table.get("name", ""), table.get("version", "0.1.0")
    if not (isinstance(name, str) and _is_name(name)):
        raise fail(f"name must be lower-case letters, digits, - and _, beginning with a letter; it is {name!r}", "name")
    if not (isinstance(version, str) and VERSION.fullmatch(version)):
        raise fail(f'version must look like "1.2.3"; it is {version!r}', "version")
    platforms = table.get("platforms", [])
    if not (isinstance(platforms, list) and all(isinstance(each, str) for each in platforms)):
        raise fail('platforms must be a list such as ["debian", "rhel"]', "platforms")
    requires = data.get("requires", {})
    for key, value in requires.items() if isinstance(requires, dict) else [("requires", None)]:
        if not (_is_name(key) and isinstance(value, str)):
            raise fail(f'[requires] {key} must be a version such as ">=1.2", or "*"', key)
    description = str(table.get("description", ""))
    return CookbookInfo(name, version, recipes_of(path), tuple(platforms), dict(requires), description)


def recipes_of(path: Path) -> tuple[str, ...]:
    """The names of a cookbook's recipes. A file whose name cannot be one is refused, so that none is lost silently."""
    folder = path / "recipes"
    names = []
    for each in sorted(folder.glob("*.py")) if folder.is_dir() else []:
        if each.name == "__init__.py":
            continue
        if not _is_name(each.stem):
            raise BadCookbook(each, "a recipe's file name is lower-case letters, digits, - and _")
        names.append(each.stem)
    return tuple(names)


def _is_name(text: str) -> bool:
    try:
        check_cookbook_name(text)
    except BadName:
        return False
    return True
