"""tree: a folder with all that is in a folder of the cookbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from toque.core import BadProperty, Change, Host, Resource, Secret, recipe_word, resource
from toque.core.files import (
    absolute,
    cookbook_folder,
    followed,
    four_digits,
    group_id,
    group_of,
    mode_bits,
    owner_of,
    user_id,
)
from toque.core.rendering import rendered

_TEMPLATE = ".j2"


@dataclass(frozen=True)
class _Item:
    """A file (with its content) or a folder (None) that shall be there; executable where the cookbook has a program."""

    content: bytes | None = None
    executable: bool = False
    secret: bool = False


@dataclass(frozen=True)
class TreeState:
    content: bytes
    """One line per file and folder, with what is managed of it: with it a diff lists what differs."""


@resource("tree")
@dataclass(frozen=True)
class Tree(Resource[TreeState]):
    """Keep a folder with the files and folders that a folder of the cookbook has; files named `….j2` are filled in.

    path            absolute; made where it is missing (the folder above it must be there)
    source          the name of a folder in the cookbook's `files/` (beside the recipe when there is no cookbook)
    variables       for its templates, as of `template`; the suffix .j2 is left out of the names
    helpers         as of `template`
    owner, group    of all files and folders in it
    mode            of all files, as text, e.g. "0640"; without it a new one gets 0644, or 0755 when it is a program in
                    the cookbook, and one that is there keeps its own
    directory_mode  of all folders, the uppermost included; a new one without it gets 0755
    exclude         patterns of names or of paths in the folder ("*.orig", "cache/*") that are not ours: neither copied
                    nor purged
    purge           True removes what is there and not in the cookbook
    present         False removes the folder with all that is in it

    The diff lists the files and folders that differ. An empty folder of the cookbook is made, too, where the cookbook
    comes from a path; git does not keep one. A link in the way of a file is replaced, never followed; only `path` may
    be a link to a folder.

        tree("/srv/www/errors", source="error-pages", owner="deploy", mode="0644", purge=True)
    """

    path: str
    _: KW_ONLY
    source: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    helpers: Sequence[Any] = ()
    owner: str | None = None
    group: str | None = None
    mode: str | None = None
    directory_mode: str | None = None
    exclude: Sequence[str] = ()
    purge: bool = False
    present: bool = True

    def __post_init__(self) -> None:
        absolute("tree", self.path)
        if not self.path.strip("/"):
            raise BadProperty("tree path must be a folder below /, not / itself")
        mode_bits("tree", self.mode)
        mode_bits("tree directory_mode:", self.directory_mode)

    def desired(self) -> TreeState | None:
        if not self.present:
            return None
        return TreeState(_listed(self._line(name, item) for name, item in self._items().items()))

    def current(self, host: Host) -> TreeState | None:
        above = host.entry(self._at(host))
        if above is None or above.kind != "directory":
            return None
        if not self.present:
            return TreeState(b"")
        lines = [line for name, item in self._items().items() if (line := self._found(host, name, item))]
        return TreeState(_listed([*lines, *(f"{name}  (not of the cookbook)" for name in self._strangers(host))]))

    def apply(self, host: Host, change: Change[TreeState]) -> None:
        if change.want is None:
            host.remove(self._at(host), recursive=True)
            return
        for name in self._strangers(host):
            host.remove(self._at(host, name), recursive=True)
        for name, item in self._items().items():
            if self._found(host, name, item) != self._line(name, item):
                self._put(host, self._at(host, name), item)

    def _put(self, host: Host, path: str, item: _Item) -> None:
        uid, gid = user_id(host, self.owner), group_id(host, self.group)
        standing = host.entry(path)
        kind = "directory" if item.content is None else "file"
        if standing is not None and standing.kind != kind and kind == "directory":
            host.remove(path)
        elif standing is not None and standing.kind == "directory" and kind == "file":
            raise BadProperty(f"{path} is a folder, and the cookbook has a file of that name: remove it first")
        is_new = standing is None or standing.kind != kind
        if item.content is None:
            mode = mode_bits("tree", self.directory_mode)
            if is_new:
                host.make_directory(path, mode=0o755 if mode is None else mode)
            if uid is not None or gid is not None:
                host.chown(path, uid, gid)
            if mode is not None:
                host.chmod(path, mode)
            return
        mode = mode_bits("tree", self.mode)
        if is_new and mode is None:
            mode = 0o755 if item.executable else 0o600 if item.secret else 0o644
        host.write(path, item.content, mode=mode, uid=uid, gid=gid)

    def _items(self) -> dict[str, _Item]:
        """What shall be there, by its path in the folder; the folder itself is "". Read once per resource."""
        made: dict[str, _Item] | None = self.__dict__.get("_made")
        if made is None:
            root = cookbook_folder("files", self.source, self.source_line)
            made = {"": _Item()}
            for place in sorted(root.rglob("*")):
                name = str(place.relative_to(root))
                if self._is_excluded(name) or not place.resolve().is_relative_to(root.resolve()):
                    continue
                if place.is_dir():
                    made[name] = _Item()
                elif place.is_file():
                    executable = bool(place.stat().st_mode & 0o100)
                    if name.endswith(_TEMPLATE):
                        text = self._rendered(name)
                        item = _Item(text.encode(), executable, isinstance(text, Secret))
                        made[name.removesuffix(_TEMPLATE)] = item
                    else:
                        made[name] = _Item(place.read_bytes(), executable)
            self.__dict__["_made"] = made
        return made

    def _rendered(self, name: str) -> str:
        source = f"{self.source}/{name}"
        return rendered(source, self.variables, self.source_line, kind="files", helpers=self.helpers)

    def _line(self, name: str, item: _Item) -> str:
        is_folder = item.content is None
        mode = self.directory_mode if is_folder else self.mode
        return _line(name, is_folder, self.owner, self.group, four_digits(mode))

    def _found(self, host: Host, name: str, item: _Item) -> str:
        """The line of what stands there instead; empty when nothing does."""
        is_folder = item.content is None
        entry = host.entry(self._at(host, name))
        if entry is None:
            return ""
        if entry.kind != ("directory" if is_folder else "file"):
            return f"{name}  (a {entry.kind})"
        mode = f"{entry.mode:04o}" if (self.directory_mode if is_folder else self.mode) is not None else None
        owner, group = owner_of(host, entry, self.owner), group_of(host, entry, self.group)
        same = is_folder or (entry.size == len(item.content or b"") and host.read(self._at(host, name)) == item.content)
        return _line(name, is_folder, owner, group, mode) + ("" if same else "  (other content)")

    def _strangers(self, host: Host) -> list[str]:
        return self._strangers_in(host, "")[0] if self.purge else []

    def _strangers_in(self, host: Host, folder: str) -> tuple[list[str], bool]:
        """What is not ours in a folder, and whether nothing else is in it; a folder of only such is one itself."""
        strangers, all_of_it = [], True
        for name in host.names_in(self._at(host, folder)):
            path = f"{folder}/{name}" if folder else name
            entry = host.entry(self._at(host, path))
            is_folder = entry is not None and entry.kind == "directory"
            if self._is_excluded(path):
                all_of_it = False
            elif path in self._items():
                all_of_it = False
                strangers += self._strangers_in(host, path)[0] if is_folder else []
            elif is_folder:
                inner, whole = self._strangers_in(host, path)
                strangers += [path] if whole else inner
                all_of_it = all_of_it and whole
            else:
                strangers.append(path)
        return strangers, all_of_it

    def _is_excluded(self, path: str) -> bool:
        parts = path.split("/")
        return any(
            fnmatchcase(part, pattern) or fnmatchcase("/".join(parts[: number + 1]), pattern)
            for pattern in self.exclude
            for number, part in enumerate(parts)
        )

    def _at(self, host: Host, name: str = "") -> str:
        """Where it stands. A link to a folder counts as the folder, as for `directory`."""
        place = followed(host, self.path)
        return f"{place}/{name}" if name else place


def _line(name: str, is_folder: bool, owner: str | None, group: str | None, mode: str | None) -> str:
    parts = [
        f"{name}/" if is_folder else name,
        f"owner {owner}" if owner else "",
        f"group {group}" if group else "",
        mode,
    ]
    return "  ".join(part for part in parts if part)


def _listed(lines: Sequence[str] | Iterator[str]) -> bytes:
    return "".join(f"{line}\n" for line in sorted(lines)).encode()


tree = recipe_word(Tree)
