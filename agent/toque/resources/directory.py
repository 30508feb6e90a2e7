"""directory: a folder with its owner and mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from fnmatch import fnmatch
from typing import ClassVar

from toque.core import BadProperty, Change, Entry, Host, Resource, recipe_word, resource
from toque.core.files import absolute, followed, four_digits, group_id, group_of, mode_bits, owner_of, user_id


@dataclass(frozen=True)
class DirectoryState:
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    strangers: tuple[str, ...] | None = None
    """Entries that are not to be here; wanted is none of them."""
    strays: tuple[str, ...] | None = None
    """Entries below whose owner, group or mode differs; wanted is none of them."""


@resource("directory")
@dataclass(frozen=True)
class Directory(Resource[DirectoryState]):
    """Keep a folder with this owner, group and mode; what is not named is left alone.

    path       absolute
    owner      a user's name (or the number as text)
    group      a group's name (or the number as text)
    mode       octal digits as text, e.g. "0755", which a new folder gets without it
    parents    make the folders above it too (0755, root), as far as they are missing
    recursive  owner and group hold for everything below as well, and mode for the folders below; with present=False:
               remove what is in it, too
    file_mode  the mode of all files below, with recursive=True. Links have no mode of their own
    purge      remove every entry of the folder that is not in `keep`, folders with their content included
    keep       patterns such as "*.conf" of names that purge leaves alone
    present    False removes it; a folder that is not empty only with recursive=True

    For `/` itself purge, recursive and present=False are refused: such a path is one with an empty name in it.

        directory("/srv/shop/shared/log", owner="deploy", mode="0750", parents=True)
        directory("/srv/shop/media", owner="deploy", mode="0750", file_mode="0640", recursive=True)
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
    file_mode: str | None = None
    present: bool = True

    def __post_init__(self) -> None:
        absolute("directory", self.path)
        mode_bits("directory", self.mode)
        mode_bits("directory file_mode:", self.file_mode)
        if not self.path.strip("/.") and (self.purge or self.recursive or not self.present):
            raise BadProperty("directory path must be a folder below / for purge, recursive and present=False")
        if self.file_mode is not None and not self.recursive:
            raise BadProperty("directory file_mode is for the files below: it needs recursive=True")

    def desired(self) -> DirectoryState | None:
        if not self.present:
            return None
        return DirectoryState(
            self.owner,
            self.group,
            four_digits(self.mode),
            strangers=() if self.purge else None,
            strays=() if self.recursive and any((self.owner, self.group, self.mode, self.file_mode)) else None,
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
            strays=tuple(path for path, _ in self._strays(host)) if self.recursive and self.present else (),
        )

    def apply(self, host: Host, change: Change[DirectoryState]) -> None:
        if change.want is None:
            host.remove(self.path, recursive=self.recursive)
            return
        if change.was is None:
            host.make_directory(self.path, mode=mode_bits("directory", self.mode) or 0o755, parents=self.parents)
        owner, group = user_id(host, self.owner), group_id(host, self.group)
        is_given = owner is not None or group is not None
        if is_given and (change.was is None or "owner" in change or "group" in change):
            host.chown(self._place(host), owner, group)
        if self.mode is not None:
            host.chmod(self._place(host), int(self.mode, 8))
        for path, entry in self._strays(host) if "strays" in change else ():
            if is_given:
                host.chown(path, owner, group)
            if (mode := mode_bits("directory", self._mode_below(entry))) is not None:
                host.chmod(path, mode)
        for name in self._strangers(host) if "strangers" in change else ():
            host.remove(f"{self.path}/{name}", recursive=True)

    def _place(self, host: Host) -> str:
        """A link to a folder counts as the folder: `/var/run` is one on most systems."""
        return followed(host, self.path)

    def _strangers(self, host: Host) -> tuple[str, ...]:
        if not self.purge:
            return ()
        return tuple(n for n in host.names_in(self.path) if not any(fnmatch(n, pattern) for pattern in self.keep))

    def _strays(self, host: Host) -> Iterator[tuple[str, Entry]]:
        todo = [self._place(host)]
        while todo:
            folder = todo.pop()
            for name in host.names_in(folder):
                path = f"{folder}/{name}"
                found = host.entry(path)
                if found is None:
                    continue
                if found.kind == "directory":
                    todo.append(path)
                mode = self._mode_below(found)
                if (
                    owner_of(host, found, self.owner) != self.owner
                    or group_of(host, found, self.group) != self.group
                    or (mode is not None and found.mode != int(mode, 8))
                ):
                    yield path, found

    def _mode_below(self, entry: Entry) -> str | None:
        """The mode that something below shall have."""
        return {"directory": self.mode, "file": self.file_mode}.get(entry.kind)


directory = recipe_word(Directory)
