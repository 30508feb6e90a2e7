"""Cookbooks as one archive: packed the same from the same files everywhere, and unpacked without trusting it (S8, S21).

A bundle is a gzipped tar of regular files and folders, sorted, with no times, owners or names of its maker. Its SHA-256
is its name. Unpacking never uses what tar would do by itself: each entry is judged by its name and kind and written
through a handle of its folder, so that nothing lands outside, and no link is made or followed.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import struct
import tarfile
import unicodedata
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

from toque.cookbook.layout import load_cookbook
from toque.core.errors import ToqueError

MAX_ENTRIES = 20_000
MAX_BYTES = 512 << 20
MAX_RATIO = 200
RATIO_FROM = 10 << 20
"""Below this many bytes a bundle may be packed as tightly as it likes."""
MAX_PATH = 1024
MAX_COMPONENT = 255
MAX_DEPTH = 64

LEFT_OUT = {"__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache"}


class BadBundle(ToqueError):
    """A bundle that is not what was signed, or holds what no bundle may hold."""


@dataclass(frozen=True)
class BundleInfo:
    """`contents`: {cookbook: {"version", "recipes": […], "files": {path below the cookbook: [mode, size, sha256]}}}."""

    digest: str
    size: int
    contents: dict[str, dict[str, Any]]


def pack(
    cookbooks: Mapping[str, Path], out: Path, *, beside: Mapping[str, bytes] | None = None, stored: bool = False
) -> BundleInfo:
    """Write a bundle of these cookbooks to `out`. The same files give the same bytes.

    `beside` are further files, at its root. With `stored` nothing is compressed: then the bytes are the same on any
    machine, whichever zlib it has.
    """
    contents: dict[str, dict[str, Any]] = {}
    plain = BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in sorted((beside or {}).items()):
            tar.addfile(_entry(name, len(data), 0o644), BytesIO(data))
        for name, root in sorted(cookbooks.items()):
            info = load_cookbook(root)
            files: dict[str, list[Any]] = {}
            contents[name] = {"version": info.version, "recipes": list(info.recipes), "files": files}
            for path in _files_below(root):
                data, mode = path.read_bytes(), 0o755 if path.stat().st_mode & 0o100 else 0o644
                below = path.relative_to(root).as_posix()
                files[below] = [mode, len(data), hashlib.sha256(data).hexdigest()]
                tar.addfile(_entry(f"{name}/{below}", len(data), mode), BytesIO(data))
    packed = _stored(plain.getvalue()) if stored else gzip.compress(plain.getvalue(), compresslevel=6, mtime=0)
    out.write_bytes(packed)
    return BundleInfo(hashlib.sha256(packed).hexdigest(), len(packed), contents)


def _stored(data: bytes) -> bytes:
    """Gzip by hand, in stored blocks (RFC 1951, 3.2.4)."""
    blocks = [data[start : start + 0xFFFF] for start in range(0, len(data), 0xFFFF)] or [b""]
    parts = [b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"]
    for number, block in enumerate(blocks, 1):
        parts += [struct.pack("<BHH", number == len(blocks), len(block), len(block) ^ 0xFFFF), block]
    return b"".join([*parts, struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)])


def _entry(name: str, size: int, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = size, mode, 0
    return entry


def _files_below(root: Path) -> Iterator[Path]:
    """Every regular file, sorted by name; a link or a device is an error rather than a surprise on the node."""
    for path in sorted(root.iterdir(), key=lambda p: p.name):
        if path.name in LEFT_OUT or path.name.endswith(".pyc"):
            continue
        kind = path.lstat().st_mode
        if stat.S_ISDIR(kind):
            yield from _files_below(path)
        elif stat.S_ISREG(kind):
            yield path
        else:
            raise BadBundle(
                f"{path} is neither a file nor a folder: a bundle holds nothing else (a link? copy the file)"
            )


def unpack(archive: Path, into: Path, *, digest: str, size: int) -> None:
    """Unpack a bundle into a new folder. Nothing is written before size and digest are right; raises BadBundle.

    `into` must not exist yet; when anything is wrong, it does not exist afterwards either.
    """
    import shutil

    with archive.open("rb") as file:
        found = os.fstat(file.fileno()).st_size
        if found != size:
            raise BadBundle(f"{archive.name} has {found} bytes, signed were {size}")
        if hashlib.file_digest(file, "sha256").hexdigest() != digest:
            raise BadBundle(f"{archive.name} is not the bundle {digest}")
        file.seek(0)
        made = into.with_name(f"{into.name}.unpacking-{os.getpid()}")
        made.mkdir(parents=True, mode=0o700)
        try:
            _extract(file, made, size)
            made.rename(into)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise


def _extract(file: IO[bytes], into: Path, packed: int) -> None:
    allowed = min(MAX_BYTES, max(RATIO_FROM, packed * MAX_RATIO))
    seen: dict[str, tuple[str, bool]] = {}
    total = 0
    top = os.open(into, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with (
            gzip.GzipFile(fileobj=file) as plain,
            tarfile.open(fileobj=cast(IO[bytes], _Limited(plain, allowed)), mode="r|") as tar,
        ):
            for number, entry in enumerate(tar, 1):
                if number > MAX_ENTRIES:
                    raise BadBundle(f"more than {MAX_ENTRIES} entries")
                parts = _judged(entry, seen)
                total += entry.size
                if total > allowed:
                    raise BadBundle(f"unpacks to more than {allowed} bytes")
                _write(tar, entry, parts, top)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, UnicodeError, ValueError) as error:
        raise BadBundle(f"not a readable archive: {error}") from None
    except OSError as error:
        raise BadBundle(f"cannot be unpacked: {error}") from error
    finally:
        os.close(top)


class _Limited:
    """A stream that ends in an error instead of a full disk or memory: headers count as well as content."""

    def __init__(self, stream: gzip.GzipFile, allowed: int) -> None:
        self._stream = stream
        # Each entry costs up to two blocks beside its content, more with long names.
        self._left = allowed + MAX_ENTRIES * 4096

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise BadBundle("unpacks to more than a bundle may")
        return data


def _judged(entry: tarfile.TarInfo, seen: dict[str, tuple[str, bool]]) -> list[str]:
    """The parts of an entry's path, when it is one that a bundle may have."""
    name = entry.name
    if not (entry.isreg() or entry.isdir()) or entry.issparse():
        raise BadBundle(f"{name!r} is neither a regular file nor a folder")
    parts = name.rstrip("/").split("/") if entry.isdir() else name.split("/")
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts) or "\\" in name:
        raise BadBundle(f"{name!r} does not stay inside")
    if any(ord(char) < 32 or ord(char) == 127 or 0xD800 <= ord(char) < 0xE000 for char in name):
        raise BadBundle(f"{name!r} has a character that no file name should have")
    if len(name.encode()) > MAX_PATH or len(parts) > MAX_DEPTH or any(len(p.encode()) > MAX_COMPONENT for p in parts):
        raise BadBundle(f"{name[:80]!r}… is too long or too deep")
    for depth in range(1, len(parts) + 1):
        spelled = "/".join(parts[:depth])
        key = unicodedata.normalize("NFC", spelled).casefold()
        is_folder = depth < len(parts) or entry.isdir()
        known = seen.get(key)
        # A folder may be named again, in the same spelling; a file never, nor what differs only by case or by accents.
        if known is not None and (known != (spelled, is_folder) or not is_folder):
            raise BadBundle(f"{spelled!r} is there twice")
        seen[key] = (spelled, is_folder)
    return parts


def _write(tar: tarfile.TarFile, entry: tarfile.TarInfo, parts: list[str], top: int) -> None:
    """Make the folders, then the file, each relative to the handle of the folder above and never through a link."""
    here = os.dup(top)
    try:
        for part in parts if entry.isdir() else parts[:-1]:
            try:
                os.mkdir(part, 0o755, dir_fd=here)
            except FileExistsError:
                pass
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
            os.close(here)
            here = below
        if entry.isdir():
            return
        mode = 0o755 if entry.mode & 0o100 else 0o644
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        source = tar.extractfile(entry)
        assert source is not None
        with source, os.fdopen(os.open(parts[-1], flags, mode, dir_fd=here), "wb") as target:
            while block := source.read(1 << 20):
                target.write(block)
            os.fchmod(target.fileno(), mode)
    finally:
        os.close(here)


def verify_unpacked(into: Path, contents: Mapping[str, Mapping[str, Any]]) -> None:
    """Compare what is on disk with what was packed; raises BadBundle for a file changed, missing or added."""
    for cookbook, said in contents.items():
        root = into / cookbook
        wanted: Mapping[str, list[Any]] = said["files"]
        found = {path.relative_to(root).as_posix(): path for path in _found_below(root)}
        for name in sorted(set(wanted) | set(found)):
            if name not in found:
                raise BadBundle(f"{cookbook}/{name} is missing")
            if name not in wanted:
                raise BadBundle(f"{cookbook}/{name} was not in the bundle")
            _compare(f"{cookbook}/{name}", found[name], wanted[name])


def _found_below(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name != "__pycache__"]
        for name in (*files, *(n for n in names if (Path(folder) / n).is_symlink())):
            yield Path(folder) / name


def _compare(name: str, path: Path, wanted: list[Any]) -> None:
    _, size, digest = wanted
    descriptor = -1
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if os.fstat(file.fileno()).st_size != size or hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise BadBundle(f"{name} was changed after it was unpacked")
    except OSError as error:
        raise BadBundle(f"{name} cannot be read: {error.strerror}") from None
