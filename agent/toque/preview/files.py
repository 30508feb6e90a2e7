"""Which files differ between a clone and its host, found in what lies over the host's file systems.

Overlay keeps every change in an upper layer: a file that was written or only touched, a directory on the way to it, a
character device 0/0 for what is gone, and a mark on a directory that hides all below it. What the sandbox itself laid
out at its start is told apart by a look before the run: whatever is there still as it was then is no change.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from toque.core.diffs import MAX_TEXT, unified

What = Literal["created", "changed", "removed"]
Laid = Mapping[str, tuple[int, ...]]

_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link", stat.S_IFSOCK: "socket"}
_MARKS = ("trusted.overlay.", "user.overlay.")
_ACCOUNTS = ("passwd", "group", "shadow", "gshadow", "subuid", "subgid")
UNDISCLOSED = frozenset(f"/etc/{name}{old}" for name in ("shadow", "gshadow") for old in ("", "-"))
ACCOUNTS = frozenset(f"/etc/{name}{old}" for name in _ACCOUNTS for old in ("", "-"))
"""Files whose changes are told as users and groups."""


@dataclass(frozen=True)
class Look:
    """What stands at a path."""

    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    to: str = ""

    @classmethod
    def at(cls, path: Path) -> Look | None:
        try:
            seen = path.lstat()
            kind = _KINDS.get(stat.S_IFMT(seen.st_mode), "device")
            to = str(path.readlink()) if kind == "link" else ""
        except OSError:
            return None
        return cls(kind, stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid, seen.st_size, to)


@dataclass(frozen=True)
class FileChange:
    """One path that differs; `details` are what differs besides the content, `diff` is that of a text."""

    path: str
    what: What
    kind: str
    details: tuple[str, ...] = ()
    diff: str = ""

    def values(self) -> dict[str, Any]:
        return {"path": self.path, "what": self.what, "kind": self.kind, "details": self.details, "diff": self.diff}


@dataclass
class Trees:
    """The host, its clone, and what lies over the one to make the other.

    `names` are the accounts of both, by number; `owners=False` where owners cannot be compared.
    """

    clone: Path
    layers: Mapping[Path, Path]
    own: tuple[str, ...]
    host: Path = Path("/")
    owners: bool = True
    users: Mapping[int, str] = field(default_factory=dict)
    groups: Mapping[int, str] = field(default_factory=dict)

    def laid_out(self) -> Laid:
        """What lies over the host now: to be told apart, later, from what a run does."""
        return {path: _signature(upper) for path, upper in self._entries()}

    def changes(self, laid: Laid) -> Iterator[FileChange]:
        """What differs, without diffs, in the order of the paths; for what was as it is when `laid` was looked at."""
        found: dict[str, FileChange] = {}
        for path, upper in self._entries():
            if laid.get(path) == _signature(upper) or self._is_own(path):
                continue
            for each in self._compare(path, upper, laid):
                found.setdefault(each.path, each)
        yield from (found[path] for path in sorted(found))

    def diff(self, change: FileChange) -> str:
        """The unified diff of a change of a regular file."""
        before, after = self._at_host(change.path), self._at_clone(change.path)
        if change.path in UNDISCLOSED or any(_is_closed(path) for path in (before, after)):
            return "(its content is not shown: not everybody may read it)"
        try:
            return unified(change.path, _content(before), _content(after))
        except OSError as error:
            return f"(its content cannot be read: {error.strerror})"

    def _is_own(self, path: str) -> bool:
        # A folder that is there only for what is our own is ours, too.
        below = any(path == own or path.startswith(f"{own}/") for own in self.own)
        return below or (any(own.startswith(f"{path}/") for own in self.own) and Look.at(self._at_host(path)) is None)

    def _entries(self) -> Iterator[tuple[str, Path]]:
        for lower, upper in self.layers.items():
            yield from _walk(upper, str(lower), {str(each) for each in self.layers if each != lower})

    def _at_host(self, path: str) -> Path:
        return self.host / path.lstrip("/")

    def _at_clone(self, path: str) -> Path:
        return self.clone / path.lstrip("/")

    def _compare(self, path: str, upper: Path, laid: Laid) -> Iterator[FileChange]:
        was, now = Look.at(self._at_host(path)), Look.at(self._at_clone(path))
        if now is None:
            if was is not None:
                yield FileChange(path, "removed", was.kind)
            return
        if was is None:
            yield FileChange(path, "created", now.kind, (self._said(now),))
        elif details := self._details(path, was, now):
            yield FileChange(path, "changed", now.kind, tuple(each for each in details if each != "content"))
        if now.kind == "directory" and _hides_what_is_below(upper):
            yield from self._below(path)

    def _below(self, path: str) -> Iterator[FileChange]:
        """Everything below a directory that was made anew, or brought here from another place."""
        for name in sorted({*_names(self._at_host(path)), *_names(self._at_clone(path))}):
            yield from self._compare(f"{path}/{name}", self._at_clone(f"{path}/{name}"), {})
            if Look.at(self._at_clone(f"{path}/{name}")) is not None and _is_directory(
                self._at_clone(f"{path}/{name}")
            ):
                yield from self._below(f"{path}/{name}")

    def _details(self, path: str, was: Look, now: Look) -> list[str]:
        if was.kind != now.kind:
            return [f"{was.kind} → {now.kind}", self._said(now)]
        found = [f"mode {was.mode:04o} → {now.mode:04o}"] if was.mode != now.mode and now.kind != "link" else []
        if self.owners and was.uid != now.uid:
            found.append(f"owner {self._user(was.uid)} → {self._user(now.uid)}")
        if self.owners and was.gid != now.gid:
            found.append(f"group {self._group(was.gid)} → {self._group(now.gid)}")
        if was.to != now.to:
            found.append(f"{was.to} → {now.to}")
        if now.kind == "file" and not _same(self._at_host(path), self._at_clone(path)):
            found.append("content")
        return found

    def _said(self, look: Look) -> str:
        owner = f" {self._user(look.uid)}:{self._group(look.gid)}" if self.owners else ""
        return f"→ {look.to}" if look.kind == "link" else f"{look.mode:04o}{owner}"

    def _user(self, uid: int) -> str:
        return self.users.get(uid, str(uid))

    def _group(self, gid: int) -> str:
        return self.groups.get(gid, str(gid))


def _walk(upper: Path, path: str, apart: set[str]) -> Iterator[tuple[str, Path]]:
    """All that is in a layer, without the places that have a layer of their own and without what is mounted in it."""
    try:
        device = upper.stat().st_dev
        with os.scandir(upper) as entries:
            found = sorted(entries, key=lambda each: each.name)
    except OSError:  # of another user of the sandbox, or gone just now
        return
    for entry in found:
        below = f"{path.rstrip('/')}/{entry.name}"
        if below in apart:
            continue
        yield below, Path(entry.path)
        if entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_dev == device:
            yield from _walk(Path(entry.path), below, apart)


def _signature(path: Path) -> tuple[int, ...]:
    """What changes whenever a file does."""
    try:
        seen = path.lstat()
    except OSError:
        return ()
    if stat.S_ISDIR(seen.st_mode):
        return (seen.st_ino, seen.st_mode, seen.st_uid, seen.st_gid)
    return (seen.st_ino, seen.st_mode, seen.st_uid, seen.st_gid, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)


def _hides_what_is_below(upper: Path) -> bool:
    for mark in _MARKS:
        for name in ("opaque", "redirect"):
            try:
                if os.getxattr(upper, f"{mark}{name}", follow_symlinks=False):
                    return True
            except OSError:
                continue
    return False


def _is_directory(path: Path) -> bool:
    look = Look.at(path)
    return look is not None and look.kind == "directory"


def _names(path: Path) -> list[str]:
    try:
        return [each.name for each in path.iterdir()] if _is_directory(path) else []
    except OSError:
        return []


def _is_closed(path: Path) -> bool:
    look = Look.at(path)
    return look is not None and not look.mode & 0o044


def _content(path: Path) -> bytes | None:
    """What a diff needs of a regular file: no more than what is too long for one."""
    look = Look.at(path)
    if look is None or look.kind != "file":
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(MAX_TEXT + 1)


def _same(one: Path, other: Path) -> bool:
    try:
        with one.open("rb") as left, other.open("rb") as right:
            while True:
                part = left.read(1 << 20)
                if part != right.read(1 << 20):
                    return False
                if not part:
                    return True
    except OSError:
        return False
