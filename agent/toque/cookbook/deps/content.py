"""The files of a cookbook as content: copied without following a link, and named by one digest.

The digest is over paths, modes (0755 or 0644) and the SHA-256 of each file, as they stand in a bundle. So it is the
same for a checkout, an unpacked archive and a published bundle, whatever their owners, times and umasks are.
"""

from __future__ import annotations

import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from toque.cookbook.bundle import LEFT_OUT, MAX_BYTES, MAX_COMPONENT, MAX_DEPTH, MAX_ENTRIES, MAX_PATH
from toque.cookbook.deps.errors import NotToBeHad
from toque.protocol.canonical import canonical, digest

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

Files = dict[str, list[Any]]
"""{path: [mode, size, sha256]}, as in `BundleInfo.contents`."""


def digest_of(files: Mapping[str, list[Any]]) -> str:
    """The one name of this content."""
    return digest(canonical(files))


def inspect(tree: Path) -> Files:
    """What is in a cookbook's folder. Raises NotToBeHad for a link, a device, or a name that no bundle may have."""
    return _walk(tree, None)


def copy(tree: Path, into: Path) -> Files:
    """Copy a cookbook's folder over `into`, file by file; answers what was copied. Raises NotToBeHad."""
    return _walk(tree, into)


def _walk(tree: Path, into: Path | None) -> Files:
    files: Files = {}
    total = 0
    try:
        handle = os.open(tree, _FOLDER)
    except OSError as error:
        raise NotToBeHad(f"{tree} is no folder that can be read ({error.strerror}), or a link") from None
    try:
        if into is not None:
            into.mkdir(parents=True, exist_ok=True)
        for path, mode, data in _files_below(handle, "", tree):
            total += len(data)
            if len(files) >= MAX_ENTRIES or total > MAX_BYTES:
                raise NotToBeHad(f"{tree} has more than {MAX_ENTRIES} files, or more than {MAX_BYTES >> 20} MiB")
            files[path] = [mode, len(data), hashlib.sha256(data).hexdigest()]
            if into is not None:
                _put(into, path, mode, data)
    finally:
        os.close(handle)
    refuse_twins(files, str(tree))
    return files


def _files_below(folder: int, above: str, tree: Path) -> Iterator[tuple[str, int, bytes]]:
    for name in sorted(os.listdir(folder)):
        if name in LEFT_OUT or name.endswith(".pyc"):
            continue
        path = f"{above}{name}"
        _refuse_name(path, name, tree)
        kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISDIR(kind):
            inner = os.open(name, _FOLDER, dir_fd=folder)
            try:
                yield from _files_below(inner, f"{path}/", tree)
            finally:
                os.close(inner)
        elif stat.S_ISREG(kind):
            descriptor = os.open(name, _FILE, dir_fd=folder)
            with os.fdopen(descriptor, "rb") as file:
                yield path, 0o755 if kind & 0o100 else 0o644, file.read(MAX_BYTES + 1)
        else:
            raise NotToBeHad(f"{tree}/{path} is neither a file nor a folder: a cookbook holds nothing else (a link?)")


def _refuse_name(path: str, name: str, tree: Path) -> None:
    try:
        fits = len(path.encode()) <= MAX_PATH and len(name.encode()) <= MAX_COMPONENT and path.count("/") < MAX_DEPTH
    except UnicodeEncodeError:
        raise NotToBeHad(f"{tree} has a name that is not UTF-8: {path[:80]!a}") from None
    if not fits or "\\" in name or not name.isprintable():
        raise NotToBeHad(f"{tree} has a name that no cookbook may have: {path[:80]!a}")


def refuse_twins(paths: Iterable[str], where: str) -> None:
    """Nodes refuse names that differ by case or accents only: not every file system can hold both."""
    seen: dict[str, str] = {}
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            spelled = "/".join(parts[:depth])
            other = seen.setdefault(unicodedata.normalize("NFC", spelled).casefold(), spelled)
            if other != spelled:
                raise NotToBeHad(f"{where} has {other!r} and {spelled!r}, which differ by case only")


def _put(into: Path, path: str, mode: int, data: bytes) -> None:
    """`into` is a folder of ours in which nothing is a link."""
    target = into / path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_dir():
            raise IsADirectoryError(path)
        target.unlink(missing_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise NotToBeHad(f"{into.name}/{path} is a file in one place and a folder in the other") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        os.fchmod(file.fileno(), mode)
