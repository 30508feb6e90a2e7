"""The skeleton: what lies between the host and the upper layer when the sandbox's maker is an ordinary user.

In such a user's namespace the host's root does not exist, so the host's files belong to nobody, and nothing can be made
in the host's directories. The skeleton has every directory again, owned by the sandbox's root, and in them copies of
the files that administration changes in place. It is made once per host state and kept; overlays put it over the host:

    upper layer (this sandbox) / skeleton (all sandboxes of a data directory) / host

What stays impossible: chmod, chown and writing in place of a host file outside the copied places.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from toque.sandbox.disk import OWN, absent, disk_mounts, white_out

# Changed in place by useradd, debconf, dpkg and by recipes.
_COPIED = ("/etc", "/var/lib/dpkg", "/var/lib/pam", "/var/lib/systemd", "/var/cache/debconf")
# Begins empty on a new machine; its directories stay.
_EMPTIED = ("/var/log", "/var/cache/apt/archives", "/var/cache/man", "/var/spool")
# Opened for writing by apt, and not otherwise interesting.
_LOCKS = ("/var/lib/apt/lists/lock", "/var/cache/apt/archives/lock")
_STAND_INS = {"/etc/sudoers": "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"}
_OPAQUE = "user.overlay.opaque"


@dataclass(frozen=True)
class Part:
    """One directory of the clone: an overlay of the host's, or `plain`: empty, perhaps with parts mounted in it."""

    path: Path
    plain: bool
    split: bool = False
    """Its directories are parts of their own; its links are still the host's."""


def parts(mounts: Iterable[Path], covered: Collection[Path], *, root: Path = Path("/")) -> Iterator[Part]:
    """The directories to mount, parents first: one overlay each, but none with a mount of the host beneath it.

    What is covered, and what this user cannot read, is plain: overlay heeds no opaque mark at the root of a layer.
    """
    below = [mount for mount in mounts if mount != root]
    for path in sorted(root.iterdir()):
        if path.is_symlink() or not path.is_dir() or str(path) in OWN or path.name == "lost+found":
            continue
        closed = path in covered or path in below or not os.access(path, os.R_OK | os.X_OK)
        split = not closed and any(mount.is_relative_to(path) for mount in below)
        yield Part(path, closed or split, split)
        if split:
            yield from parts(below, covered, root=path)


def skeleton(folder: Path, hidden: Iterable[Path]) -> Path:
    """The skeleton for this state of the host under `folder`; made when it is not there (a few seconds, once)."""
    covered = sorted(hidden)
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    tree = folder / _fingerprint(covered)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.is_dir():
            made = Path(tempfile.mkdtemp(prefix=".making-", dir=folder))
            _Making(made, frozenset(covered), frozenset(disk_mounts(all_kinds=True)), frozenset(absent())).make()
            made.chmod(0o755)
            made.rename(tree)
            _forget_unused(folder)
    return tree


def _forget_unused(folder: Path) -> None:
    """Delete the skeletons of earlier states of the host that no disk beside them was begun on."""
    used = {link.resolve() for link in folder.parent.glob("*/disk/skeleton")}
    for tree in folder.iterdir():
        # A day: one that was made just now may be about to be used.
        if tree.is_dir() and tree.resolve() not in used and time.time() - tree.stat().st_ctime > 86400:
            shutil.rmtree(tree)


def _fingerprint(covered: list[Path]) -> str:
    """Packages and settings of the host, and what is hidden: with another of these the skeleton is another."""
    states = [Path(path).stat().st_mtime_ns for path in ("/etc", "/var/lib/dpkg/status", "/usr") if Path(path).exists()]
    return hashlib.sha256(repr((states, [str(path) for path in covered])).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class _Making:
    tree: Path
    covered: frozenset[Path]
    mounts: frozenset[Path]
    absent: frozenset[Path]

    def make(self) -> None:
        for top in sorted(Path("/").iterdir()):
            if top.is_dir() and not top.is_symlink() and str(top) not in OWN:
                self._directory(top)
        for name in _LOCKS:
            place = self._place(Path(name))
            if place.parent.is_dir():
                place.touch(mode=0o640)

    def _place(self, path: Path) -> Path:
        return self.tree / path.relative_to("/")

    def _directory(self, path: Path) -> None:
        place, closed = self._place(path), path in self.covered or not os.access(path, os.R_OK | os.X_OK)
        if path.is_relative_to(self.tree.parent):
            return
        place.mkdir()
        if closed or path in self.mounts or str(path) in _EMPTIED:
            os.setxattr(place, _OPAQUE, b"y")
        if not closed and path not in self.mounts:
            self._contents(path)
        # Last: a directory nobody may write in could not be filled.
        place.chmod(stat.S_IMODE(path.stat().st_mode))

    def _contents(self, path: Path) -> None:
        copied = any(path.is_relative_to(place) for place in _COPIED)
        with os.scandir(path) as entries:
            for entry in entries:
                if Path(entry.path) in self.absent:
                    white_out(self._place(Path(entry.path)))
                elif entry.is_dir(follow_symlinks=False):
                    self._directory(Path(entry.path))
                elif copied:
                    self._file(Path(entry.path), symlink=entry.is_symlink())

    def _file(self, path: Path, *, symlink: bool) -> None:
        place = self._place(path)
        if symlink:
            place.symlink_to(path.readlink())
        elif not path.is_file():
            return
        elif os.access(path, os.R_OK):
            shutil.copy2(path, place)
        elif path.name in ("shadow", "gshadow"):
            place.write_text(_locked_accounts(path.name))
            place.chmod(0o640)
        else:
            place.write_text(_STAND_INS.get(str(path), ""))
            place.chmod(0o600 if str(path) not in _STAND_INS else 0o440)


def _locked_accounts(name: str) -> str:
    """A shadow file for the accounts of the host, all without a password that fits."""
    source, rest = ("/etc/passwd", ":*:19000:0:99999:7:::") if name == "shadow" else ("/etc/group", ":*::")
    return "".join(f"{line.partition(':')[0]}{rest}\n" for line in Path(source).read_text().splitlines())
