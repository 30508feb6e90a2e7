"""What the words for files share: paths, modes, owners, files of a cookbook, and putting content in place."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from toque.core.errors import BadProperty, NotFound
from toque.core.host import Entry, Host
from toque.core.source import Source

HEAD = "Written by Toque: what is changed here is overwritten."
"""What files that are ours alone begin with, behind the sign of a comment."""

_ROOTS: dict[str, tuple[Path, bool]] = {}
_MODES: dict[str, int] = {}
"""Modes that were read before: a recipe has many files and few modes."""


def absolute(word: str, path: str) -> None:
    """Refuse a path that depends on where the process happens to stand."""
    if not path.startswith("/") or "\0" in path:
        raise BadProperty(f"{word} needs an absolute path, got {path!r}")


def mode_bits(word: str, mode: str | None) -> int | None:
    """`"0644"` as a number; raises BadProperty for anything but three or four octal digits."""
    if mode is None:
        return None
    known = _MODES.get(mode)
    if known is not None:
        return known
    if not (3 <= len(mode) <= 4 and all(digit in "01234567" for digit in mode)):
        raise BadProperty(f'{word} mode must be three or four octal digits as text, e.g. "0644", got {mode!r}')
    _MODES[mode] = int(mode, 8)
    return _MODES[mode]


def lines_of(content: bytes | None) -> list[str]:
    """The lines of a text file without their ends, whatever bytes they have; only a line feed ends one.

    Python's `splitlines` also ends a line where no other reader does, as at a form feed: half a comment would become a
    line of its own.
    """
    lines = (content or b"").decode(errors="surrogateescape").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def in_lines(lines: Iterable[str]) -> bytes:
    """The file that `lines_of` reads so."""
    return "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")


def four_digits(mode: str | None) -> str | None:
    return None if mode is None else mode.zfill(4)


def owner_of(host: Host, entry: Entry, wanted: str | None) -> str | None:
    """Who owns an entry, said in the way the recipe says it (a number stays a number); None when nobody asks."""
    if wanted is None:
        return None
    return str(entry.uid) if wanted.isdecimal() else host.user_name(entry.uid)


def group_of(host: Host, entry: Entry, wanted: str | None) -> str | None:
    if wanted is None:
        return None
    return str(entry.gid) if wanted.isdecimal() else host.group_name(entry.gid)


def user_id(host: Host, owner: str | None) -> int | None:
    """The number of a user that a resource names; raises NotFound when the machine does not have it."""
    if owner is None:
        return None
    uid = host.uid_of(owner)
    if uid is None:
        raise NotFound("user on this machine called", owner)
    return uid


def group_id(host: Host, group: str | None) -> int | None:
    if group is None:
        return None
    gid = host.gid_of(group)
    if gid is None:
        raise NotFound("group on this machine called", group)
    return gid


def cookbook_of(recipe: str) -> tuple[Path, bool]:
    """The folder of the cookbook that a Python file belongs to, and True; else the file's own folder, and False."""
    known = _ROOTS.get(recipe)
    if known is None:
        folder = Path(recipe).resolve().parent
        root = next((p for p in (folder, *folder.parents) if (p / "cookbook.toml").is_file()), None)
        known = _ROOTS[recipe] = (root, True) if root is not None else (folder, False)
    return known


def cookbook_file(kind: str, name: str, declared: Source) -> Path:
    """The file `name` in the folder `kind` (files, templates) of the cookbook whose recipe says so.

    A recipe outside a cookbook finds it beside itself, with or without the folder. No name leads out of the folder.
    """
    folders = _folders(kind, name, declared)
    for folder in folders:
        path = folder / name
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            return path
    listed = sorted(str(p.relative_to(f)) for f in folders[:1] if f.is_dir() for p in f.rglob("*") if p.is_file())
    raise NotFound(f"file in {folders[0]}/ called", name, listed)


def cookbook_folder(kind: str, name: str, declared: Source) -> Path:
    """The folder `name` in the folder `kind` of the cookbook whose recipe says so; as `cookbook_file`."""
    folders = _folders(kind, name, declared)
    for folder in folders:
        path = folder / name
        if path.is_dir() and path.resolve().is_relative_to(folder.resolve()):
            return path
    listed = sorted(p.name for f in folders[:1] if f.is_dir() for p in f.iterdir() if p.is_dir())
    raise NotFound(f"folder in {folders[0]}/ called", name, listed)


def _folders(kind: str, name: str, declared: Source) -> list[Path]:
    parts = name.split("/")
    if name.startswith("/") or "" in parts or ".." in parts or "\0" in name:
        raise BadProperty(f"source must be a name below {kind}/, without `..`, got {name!r}")
    root, in_cookbook = cookbook_of(declared.path)
    return [root / kind] if in_cookbook else [root / kind, root]


def followed(host: Host, path: str) -> str:
    """The place that a path leads to when it is a link, or a link to a link."""
    place = path.rstrip("/") or "/"
    for _ in range(8):
        to = host.link_target(place)
        if to is None:
            break
        place = to if to.startswith("/") else f"{place.rpartition('/')[0]}/{to}"
    return place


def back_up(host: Host, path: str, keep: int) -> None:
    """Keep the former content as `path.toque-1`, the one before as `-2`, and so on."""
    old = host.read(path) if keep else None
    if old is None:
        return
    for number in range(keep - 1, 0, -1):
        if host.entry(f"{path}.toque-{number}") is not None:
            host.rename(f"{path}.toque-{number}", f"{path}.toque-{number + 1}")
    entry = host.entry(path)
    host.write(f"{path}.toque-1", old, mode=entry.mode if entry else 0o600)
