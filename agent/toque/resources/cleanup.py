"""cleanup: old files in a folder, taken away."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from fnmatch import fnmatchcase

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.files import absolute
from toque.core.host import Entry

_NEVER = ("/", "/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/run", "/sbin", "/sys", "/usr", "/var")
_DAY = 86_400.0
_AT_ONCE = 500


@dataclass(frozen=True)
class CleanupState:
    content: bytes = b""
    """What is to be removed, one line each: with it a diff lists it."""


@resource("cleanup")
@dataclass(frozen=True)
class Cleanup(Resource[CleanupState]):
    """Keep a folder free of old files. What is removed is listed in the diff, in a plan too.

    path               absolute: a folder; when it is not there, there is nothing to do
    patterns           names of what is meant, such as "*.log.*"; everything without it
    keep               names of what is never removed, such as "*.lock"
    older_than_days    only what has not been changed for so many days (0.5 is twelve hours)
    larger_than_bytes  only files larger than this
    keep_newest        the newest so many of those that the patterns name stay, whatever their age and size
    recurse            also in the folders below, except those of other owners and those that are links
    folders            True removes folders in `path`, each with all that is in it, instead of files; not with recurse

    At least one of older_than_days, larger_than_bytes and keep_newest has to be said; what all that are said agree on
    is removed. Links are removed themselves, never what they point to. Devices, pipes and sockets stay. In a folder
    that belongs to another user than root it is that user who removes: the recipe can take away nothing that its owner
    could not.

        cleanup("/var/log/shop", patterns=["*.log.*"], older_than_days=30)
        cleanup("/srv/backups", patterns=["*.tar.gz"], keep_newest=7)
    """

    path: str
    _: KW_ONLY
    patterns: Sequence[str] = ()
    keep: Sequence[str] = ()
    older_than_days: float | None = None
    larger_than_bytes: int | None = None
    keep_newest: int | None = None
    recurse: bool = False
    folders: bool = False

    def __post_init__(self) -> None:
        absolute("cleanup", self.path)
        parts = self.path.strip("/").split("/")
        if {"", ".", ".."} & set(parts) or f"/{'/'.join(parts)}" in _NEVER:
            raise BadProperty(
                f"cleanup path must not be a folder of the system itself, got {self.path}: name one below"
            )
        limits = {name: getattr(self, name) for name in ("older_than_days", "larger_than_bytes", "keep_newest")}
        if all(value is None for value in limits.values()):
            raise BadProperty(f"cleanup needs one of {', '.join(limits)}: without it everything would be removed")
        for name, value in limits.items():
            if value is not None and value < 0:
                raise BadProperty(f"cleanup {name} must be 0 or more, got {value}")
        for name in ("patterns", "keep"):
            for pattern in getattr(self, name):
                if not pattern or "/" in pattern:
                    raise BadProperty(f"cleanup {name} must be patterns of names, without a slash, got {pattern!r}")
        if self.folders and (self.recurse or self.larger_than_bytes is not None):
            raise BadProperty("cleanup folders=True goes neither with recurse nor with larger_than_bytes")

    def desired(self) -> CleanupState:
        return CleanupState()

    def current(self, host: Host) -> CleanupState:
        return CleanupState("".join(f"{_shown(path, entry)}\n" for path, entry in self._doomed(host)).encode())

    def apply(self, host: Host, change: Change[CleanupState]) -> None:
        paths = [path for path, _ in self._doomed(host)]
        above = host.entry(self._place)
        if above is None or above.uid == 0:
            for path in paths:
                host.remove(path, recursive=self.folders)
            return
        owner = host.user_name(above.uid)
        options = ["--recursive", "--one-file-system"] if self.folders else []
        for at in range(0, len(paths), _AT_ONCE):
            host.run(["rm", "--force", *options, "--", *paths[at : at + _AT_ONCE]], user=owner)

    def _doomed(self, host: Host) -> list[tuple[str, Entry]]:
        """What is to be removed, by path."""
        found = sorted(self._named(host), key=lambda each: (-each[1].modified, each[0]))[self.keep_newest or 0 :]
        limit = time.time() - (self.older_than_days or 0) * _DAY
        return sorted(
            (path, entry)
            for path, entry in found
            if (self.older_than_days is None or entry.modified <= limit)
            and (self.larger_than_bytes is None or entry.size > self.larger_than_bytes)
        )

    def _named(self, host: Host) -> Iterator[tuple[str, Entry]]:
        """What the patterns name."""
        above = host.entry(self._place)
        todo = [self._place] if above is not None and above.kind == "directory" else []
        while todo:
            folder = todo.pop()
            for name in host.names_in(folder):
                path = f"{folder}/{name}"
                entry = host.entry(path)
                if entry is None or any(fnmatchcase(name, pattern) for pattern in self.keep):
                    continue
                if entry.kind == "directory" and self.recurse and above is not None and entry.uid == above.uid:
                    todo.append(path)
                is_meant = entry.kind == "directory" if self.folders else entry.kind in ("file", "link")
                if is_meant and any(fnmatchcase(name, pattern) for pattern in self.patterns or ("*",)):
                    yield path, entry

    @property
    def _place(self) -> str:
        return self.path.rstrip("/")


def _shown(path: str, entry: Entry) -> str:
    size = f"{entry.size:,} bytes, " if entry.kind == "file" else ""
    return f"{path}  ({size}changed {time.strftime('%Y-%m-%d %H:%M', time.gmtime(entry.modified))} UTC)"


cleanup = recipe_word(Cleanup)
