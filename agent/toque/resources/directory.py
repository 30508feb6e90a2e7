"""directory: a folder with its owner and mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from fnmatch import fnmatch
from typing import ClassVar

from toque.core import Change, Host, Resource, recipe_word, resource
from toque.core.files import absolute, four_digits, group_id, group_of, mode_bits, owner_of, user_id


@dataclass(frozen=True)
class DirectoryState:
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    strangers: tuple[str, ...] | None = None
    """Entries that are not to be here; wanted is none of them."""
    strays: tuple[str, ...] | None = None
    """Entries below whose owner or group differs; wanted is none of them."""


@resource("directory")
@dataclass(frozen=True)
class Directory(Resource[DirectoryState]):
    """Keep a folder with this owner, group and mode; what is not named is left alone.

    path       absolute
    owner      a user's name (or the number as text)
    group      a group's name (or the number as text)
    mode       octal digits as text, e.g. "0755", which a new folder gets without it
    parents    make the folders above it too (0755, root), as far as they are missing
    recursive  owner and group hold for everything below as well; with present=False: remove what is in it, too
    purge      remove every entry of the folder that is not in `keep`, folders with their content included
    keep       patterns such as "*.conf" of names that purge leaves alone
    present    False removes it; a folder that is not empty only with recursive=True

        directory("/srv/shop/shared/log", owner="deploy", mode="0750", parents=True)
    """

    foreseeable: ClassVar[bool] = True

    path: str
    _: KW_ONLY
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    parents: bool = False
    recursive: bool = False
    purge: bool = False
    keep: Sequence[str] = ()
    present: bool = True

    def __post_init__(self) -> None:
        absolute("directory", self.path)
        mode_bits("directory", self.mode)

    def desired(self) -> DirectoryState | None:
        if not self.present:
            return None
        return DirectoryState(
            self.owner,
            self.group,
            four_digits(self.mode),
            strangers=() if self.purge else None,
            strays=() if self.recursive and (self.owner or self.group) else None,
        )

    def current(self, host: Host) -> DirectoryState | None:
        found = host.entry(self._place(host))
        if found is None or found.kind != "directory":
            return None
        return DirectoryState(
            owner_of(host, found, self.owner),
            group_of(host, found, self.group),
            f"{found.mode:04o}",
            strangers=self._strangers(host),
            strays=tuple(self._strays(host)) if self.recursive and self.present else (),
        )

    def apply(self, host: Host, change: Change[DirectoryState]) -> None:
        if change.want is None:
            host.remove(self.path, recursive=self.recursive)
            return
        if change.was is None:
            host.make_directory(self.path, mode=mode_bits("directory", self.mode) or 0o755, parents=self.parents)
        owner, group = user_id(host, self.owner), group_id(host, self.group)
        if owner is not None or group is not None:
            if change.was is None or "owner" in change or "group" in change:
                host.chown(self._place(host), owner, group)
            for path in self._strays(host) if "strays" in change else ():
                host.chown(path, owner, group)
        if self.mode is not None:
            host.chmod(self._place(host), int(self.mode, 8))
        for name in self._strangers(host) if "strangers" in change else ():
            host.remove(f"{self.path}/{name}", recursive=True)

    def _place(self, host: Host) -> str:
        """A link to a folder counts as the folder: `/var/run` is one on most systems."""
        place = self.path.rstrip("/") or "/"
        for _ in range(8):
            to = host.link_target(place)
            if to is None:
                break
            place = to if to.startswith("/") else f"{place.rpartition('/')[0]}/{to}"
        return place

    def _strangers(self, host: Host) -> tuple[str, ...]:
        if not self.purge:
            return ()
        return tuple(n for n in host.names_in(self.path) if not any(fnmatch(n, pattern) for pattern in self.keep))

    def _strays(self, host: Host) -> Iterator[str]:
        todo = [self.path]
        while todo:
            folder = todo.pop()
            for name in host.names_in(folder):
                path = f"{folder}/{name}"
                found = host.entry(path)
                if found is None:
                    continue
                if found.kind == "directory":
                    todo.append(path)
                if owner_of(host, found, self.owner) != self.owner or group_of(host, found, self.group) != self.group:
                    yield path


directory = recipe_word(Directory)
