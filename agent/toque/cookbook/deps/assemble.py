"""The cookbooks of a repository with those they need, in one folder: what is published, packaged and run.

Merged per file, the later wins: built-in < dependency < own (chapter 01, 6.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from toque.cookbook.deps.cache import Cache
from toque.cookbook.deps.content import copy, inspect, refuse_twins
from toque.cookbook.deps.errors import NotToBeHad
from toque.cookbook.deps.lock import Lock
from toque.cookbook.layout import MANIFEST, BadCookbook, find_cookbooks, load_cookbook


def assemble(
    root: Path, lock: Lock, cache: Cache, into: Path, *, builtin: Mapping[str, Path] | None = None
) -> dict[str, Path]:
    """Put the cookbooks below `into`, one folder each, and answer with them by name.

    All that the lock names is in the cache. `builtin` lies under cookbooks of the same name; a folder of the
    repository that has no cookbook.toml, and bears the name of a dependency or of a built-in cookbook, lies over it.
    Raises NotToBeHad, BadCookbook.
    """
    builtin = builtin or {}
    own = own_folders(root, {*lock.cookbooks, *builtin})
    made: dict[str, Path] = {}
    for name in sorted({*own, *lock.cookbooks}):
        place = into / name
        if name in builtin:
            copy(builtin[name], place)
        if name in lock.cookbooks:
            cache.copy(lock.cookbooks[name].digest, place)
            _check(name, lock.cookbooks[name].version, place)
        if name in own:
            copy(own[name], place)
        refuse_twins(inspect(place), f"cookbook {name}")
        if load_cookbook(place).name != name:
            raise BadCookbook(place / MANIFEST, f"the cookbook in folder {name} must bear this name", 1)
        made[name] = place
    return made


def own_folders(root: Path, names: set[str]) -> dict[str, Path]:
    """The cookbooks of a repository, and its folders that only change some files of a cookbook of one of `names`."""
    own = find_cookbooks(root)
    if not (root / MANIFEST).is_file() and root.is_dir():
        taken = {folder.name for folder in own.values()}
        for folder in sorted(root.iterdir()):
            if folder.name in names - set(own) - taken and folder.is_dir() and not folder.is_symlink():
                own[folder.name] = folder
    return own


def _check(name: str, version: str, place: Path) -> None:
    found = load_cookbook(place)
    if (found.name, found.version) != (name, version):
        raise NotToBeHad(
            f"what was locked as {name} {version} says that it is {found.name} {found.version}: "
            "run `toque cookbook deps lock`"
        )
