"""Finding a cookbook in what was fetched, without following a link."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from toque.cookbook.deps.errors import NotToBeHad
from toque.cookbook.layout import MANIFEST, BadCookbook, CookbookInfo, load_cookbook


def folder_in(tree: Path, path: str) -> Path:
    """The folder of a checkout or an unpacked archive at a path that has passed the grammar. Raises NotToBeHad."""
    here = tree
    for part in () if path == "." else path.split("/"):
        here /= part
        try:
            is_folder = stat.S_ISDIR(here.lstat().st_mode)
        except OSError:
            is_folder = False
        if not is_folder:
            raise NotToBeHad(f"there is no folder {path} in it (a link is none)")
    return here


def find(tree: Path, name: str, path: str | None) -> str:
    """Where below `tree` the cookbook is: at `path`, or at the root, or in a folder of its name. Raises NotToBeHad."""
    if path is not None:
        folder_in(tree, path)
        return path
    tops = [".", *(each.name for each in _folders(tree))]
    whole = [*tops, *(f"{top}/{each.name}" for top in tops[1:] if len(tops) == 2 for each in _folders(tree / top))]
    there = [each for each in whole if _has_manifest(tree / each)]
    called = [each for each in there if each.rpartition("/")[2] == name]
    if called:
        return called[0]
    if len(there) == 1:
        return there[0]
    found = f"there are {', '.join(there[:12])}" if there else f"nothing in it has a {MANIFEST}"
    raise NotToBeHad(f'it has no folder {name}; {found}: say which with path = "FOLDER"')


def info_of(tree: Path, name: str, path: str) -> CookbookInfo:
    """The manifest of the cookbook there, which must have this name. Raises NotToBeHad."""
    folder = folder_in(tree, path)
    for link in (folder / MANIFEST, folder / "recipes", *(folder / "recipes").glob("*.py")):
        if link.is_symlink():
            raise NotToBeHad(f"{link.relative_to(tree)} in it is a link")
    try:
        info = load_cookbook(folder)
    except BadCookbook as error:
        where = f"{error.path.relative_to(tree)}:{error.line}" if error.path.is_relative_to(tree) else str(error.path)
        raise NotToBeHad(f"{where}: {error.reason}") from None
    except OSError as error:
        raise NotToBeHad(f"its {MANIFEST} cannot be read: {error.strerror}") from None
    if info.name != name:
        raise NotToBeHad(f"the cookbook there is called {info.name}, not {name}")
    return info


def _folders(tree: Path) -> Iterator[Path]:
    for each in sorted(tree.iterdir()):
        if not each.name.startswith(".") and not each.is_symlink() and each.is_dir():
            yield each


def _has_manifest(folder: Path) -> bool:
    try:
        return stat.S_ISREG((folder / MANIFEST).lstat().st_mode)
    except OSError:
        return False
