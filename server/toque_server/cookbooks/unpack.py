"""Unpacking an archive that somebody else made: regular files and folders, inside the target, within limits (S21)."""

from __future__ import annotations

import os
import stat
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from toque_server.cookbooks.address import FetchRefused

ENTRIES = 20_000
LARGEST = 512 * 1024 * 1024
"""Longest content of all files together, in bytes."""
RATIO = 200
"""Content may be this many times longer than the archive, beyond the first 10 MiB."""
_FREE = 10 * 1024 * 1024
_PATH, _COMPONENT, _DEPTH = 1024, 255, 64
_PIECE = 256 * 1024

Entry = tuple[str, bool, int, IO[bytes] | None]
"""Name, is a folder, mode, content."""


def unpack(archive: IO[bytes], into: Path) -> None:
    """Unpack a zip or a compressed tar. Raises FetchRefused; what was written until then stays below `into`."""
    size = archive.seek(0, os.SEEK_END)
    archive.seek(0)
    magic = archive.read(6)
    archive.seek(0)
    budget = _Budget(size)
    names: set[str] = set()
    try:
        for name, is_folder, mode, content in _entries(archive, magic):
            parts = _checked(name)
            if not parts:
                continue
            budget.entry()
            folded = unicodedata.normalize("NFC", "/".join(parts)).casefold()
            if not is_folder and folded in names:
                raise FetchRefused(f"the archive has {name!r} twice")
            names.add(folded)
            _write(into, parts, is_folder, mode, content, budget)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FetchRefused(f"the archive is damaged or of an unknown kind: {error}") from None


class _Budget:
    def __init__(self, size: int) -> None:
        self._left = min(LARGEST, max(_FREE, size * RATIO))
        self._entries = ENTRIES

    def entry(self) -> None:
        self._entries -= 1
        if self._entries < 0:
            raise FetchRefused(f"the archive has more than {ENTRIES} entries")

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise FetchRefused("the archive's content is too long, or unreasonably longer than the archive")


def _entries(archive: IO[bytes], magic: bytes) -> Iterator[Entry]:
    if magic[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                mode = member.external_attr >> 16
                if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise FetchRefused(f"{member.filename!r} is neither a file nor a folder")
                if member.is_dir():
                    yield member.filename, True, 0o755, None
                else:
                    with opened.open(member) as content:
                        yield member.filename, False, mode, content
        return
    if magic[:2] not in (b"\x1f\x8b",) and magic[:3] != b"BZh" and magic[:6] != b"\xfd7zXZ\x00":
        raise FetchRefused("the archive is neither zip nor a tar packed with gzip, bzip2 or xz")
    with tarfile.open(fileobj=archive, mode="r|*") as opened:
        for entry in opened:
            if entry.isdir():
                yield entry.name, True, 0o755, None
            elif entry.isreg() and not entry.issparse():
                yield entry.name, False, entry.mode, opened.extractfile(entry)
            else:
                raise FetchRefused(f"{entry.name!r} is neither a file nor a folder")


def _checked(name: str) -> tuple[str, ...]:
    if (
        name.startswith(("/", "\\"))
        or "\\" in name
        or not name.isprintable()
        or len(name.encode(errors="replace")) > _PATH
    ):
        raise FetchRefused(f"the archive has the name {name[:100]!r}, which is not allowed")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise FetchRefused("the archive has a name that is not UTF-8") from None
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts or len(parts) > _DEPTH or any(len(part.encode()) > _COMPONENT or ":" in part for part in parts):
        raise FetchRefused(f"the archive has the name {name[:100]!r}, which is not allowed")
    if ".git" in (part.lower() for part in parts):
        return ()
    return parts


def _write(
    into: Path, parts: tuple[str, ...], is_folder: bool, mode: int, content: IO[bytes] | None, budget: _Budget
) -> None:
    target = into.joinpath(*parts)
    try:
        (target if is_folder else target.parent).mkdir(parents=True, exist_ok=True)
        if is_folder or content is None:
            return
        # The target is a new folder of ours and nothing in it is a link: links are refused above.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        handle = os.open(target, flags, 0o755 if mode & 0o100 else 0o644)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        raise FetchRefused(f"the archive has {'/'.join(parts)!r} as a file and as a folder, or twice") from None
    with os.fdopen(handle, "wb") as file:
        while piece := content.read(_PIECE):
            budget.spend(len(piece))
            file.write(piece)
