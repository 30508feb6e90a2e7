"""Unpacking archives that others made, without believing anything they say.

    extract(Path("app.tar.gz"), Path("/srv/new"))        # raises BadArchive; then nothing is left behind

Regular files, directories and (for apps) relative links that stay inside, nothing else. Every entry is opened relative
to the handle of its directory and never through a link; modes become 0755 or 0644, owners and times are ignored.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from toque.core.errors import ToqueError
from toque.core.inflate import READS_ZSTD, BadStream, Inflated, kind_of
from toque.core.tarstream import BadTar, Member, Stream, members

_PATH_BYTES, _NAME_BYTES, _DEPTH, _HOPS = 1024, 255, 64, 40
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_DRIVE = re.compile("^[A-Za-z]:")
_RESERVED = (".toque-", ".opsworks-release")

FORMATS = f"tar.gz, tar.bz2, tar.xz, {'tar.zst, ' if READS_ZSTD else ''}zip and war"


@dataclass(frozen=True)
class Limits:
    """The most that is unpacked: entries, bytes in all, and bytes per compressed byte once there are `ratio_from`."""

    entries: int = 20_000
    size: int = 512 << 20
    ratio: int = 200
    ratio_from: int = 10 << 20


class BadArchive(ToqueError):
    """An archive that is refused. The text names the archive and what is wrong with it."""

    def __init__(self, archive: str, why: str) -> None:
        self.archive, self.why = archive, why
        super().__init__(f"{archive} is refused: {why}")


class _Refused(Exception):
    """What is wrong, before it is known in which file."""


def extract(
    archive: Path, into: Path, *, links: bool = True, strip: int = 0, limits: Limits = Limits(), name: str = ""
) -> list[str]:
    """Unpack into the new directory `into`; returns the paths of the files and links in it, sorted.

    `links` allows relative links that stay inside; `strip` leaves out that many leading folders; `name` is what errors
    call the archive. Entries of `.git` are left out. Raises BadArchive, FileExistsError when `into` exists.
    """
    into.mkdir(mode=0o755)
    try:
        with archive.open("rb") as source:
            tree = _Tree(into, links, strip, limits, archive.stat().st_size)
            try:
                _unpack(source, tree)
                tree.make_links()
            finally:
                tree.close()
        return sorted(path for path, kind in tree.made.items() if kind != "directory")
    except (_Refused, BadTar, BadStream, zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError) as error:
        shutil.rmtree(into)
        raise BadArchive(name or str(archive), str(error)) from error
    except OSError:
        shutil.rmtree(into)
        raise


def _unpack(source: IO[bytes], tree: _Tree) -> None:
    beginning = source.read(512)
    source.seek(0)
    if (kind := kind_of(beginning)) is not None:
        stream = Inflated(source, kind)
        budget = _Budget(stream, tree)
        for member in members(budget):
            tree.add(member, budget)
    elif beginning.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        _unpack_zip(source, tree)
    elif beginning[257:262] == b"ustar":
        raise _Refused(f"a plain .tar is not taken, compress it (formats: {FORMATS})")
    else:
        raise _Refused(f"it is none of the formats {FORMATS}")


class _Budget:
    """A stream that ends with a refusal when more comes out of it than may."""

    def __init__(self, inner: Stream, tree: _Tree) -> None:
        self._inner, self._tree = inner, tree

    def read(self, count: int, /) -> bytes:
        data = self._inner.read(count)
        self._tree.spend(len(data))
        return data


@dataclass
class _Tree:
    """What has been unpacked so far. `made` maps each path to its kind."""

    root: Path
    links: bool
    strip: int
    limits: Limits
    packed: int
    made: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._root = os.open(self.root, _DIRECTORY)
        self._targets: dict[str, str] = {}
        self._folded: dict[str, str] = {}
        self._count = self._spent = 0
        self._at: tuple[str, int] | None = None

    def close(self) -> None:
        self._leave()
        os.close(self._root)

    def spend(self, count: int) -> None:
        self._spent += count
        # An archive of nothing but small entries has a header for each: they count, but must not exhaust it.
        if self._spent > self.limits.size + 2048 * self.limits.entries:
            raise _Refused(f"it unpacks to more than {self.limits.size >> 20} MiB")
        if self._spent > self.limits.ratio_from and self._spent > self.limits.ratio * max(self.packed, 1):
            raise _Refused(f"it unpacks to more than {self.limits.ratio} times its size")

    def add(self, member: Member, content: Stream) -> None:
        self._count += 1
        if self._count > self.limits.entries:
            raise _Refused(f"it has more than {self.limits.entries} entries")
        if member.size > self.limits.size:
            raise _Refused(f"{member.name!r} is larger than {self.limits.size >> 20} MiB")
        path = _checked_path(member.name, self.strip)
        if path is None or (path == "" and member.kind == "directory"):
            _drain(content, member.size)
            return
        if path == "":
            raise _Refused(f"{member.name!r} is no name for a {member.kind}")
        if member.kind == "directory":
            self._ensure(path)
            return
        folder, _, name = path.rpartition("/")
        self._ensure(folder)
        self._claim(path, member.kind)
        if member.kind == "link":
            self._targets[path] = self._checked_target(path, member.target)
        else:
            self._write(folder, name, member, content)

    def _ensure(self, folder: str) -> None:
        """Make a directory with those above it, as far as they are missing."""
        above = ""
        for part in folder.split("/") if folder else ():
            above = f"{above}/{part}" if above else part
            if self.made.get(above) == "directory":
                continue
            self._claim(above, "directory")
            parent, _, name = above.rpartition("/")
            os.mkdir(name, 0o755, dir_fd=self._enter(parent))
            os.chmod(name, 0o755, dir_fd=self._enter(parent))

    def _claim(self, path: str, kind: str) -> None:
        folded = unicodedata.normalize("NFC", path).casefold()
        if (other := self._folded.setdefault(folded, path)) != path or path in self.made:
            raise _Refused(f"{path!r} is in it twice" + (f", as {other!r} too" if other != path else ""))
        if len(self.made) > 2 * self.limits.entries:
            raise _Refused(f"it makes more than {2 * self.limits.entries} files and folders")
        self.made[path] = kind

    def _write(self, folder: str, name: str, member: Member, content: Stream) -> None:
        descriptor = os.open(name, _FILE, 0o600, dir_fd=self._enter(folder))
        try:
            left = member.size
            while left:
                piece = content.read(min(left, 1 << 16))
                if not piece:
                    raise _Refused(f"{member.name!r} is cut off")
                left -= len(piece)
                view = memoryview(piece)
                while view:
                    view = view[os.write(descriptor, view) :]
            os.fchmod(descriptor, 0o755 if member.executable else 0o644)
        finally:
            os.close(descriptor)

    def _enter(self, folder: str) -> int:
        """A handle of a directory that we made, reached step by step; the last one is kept."""
        if self._at is not None and self._at[0] == folder:
            return self._at[1]
        here = os.dup(self._root)
        for part in folder.split("/") if folder else ():
            try:
                inner = os.open(part, _DIRECTORY, dir_fd=here)
            finally:
                os.close(here)
            here = inner
        self._leave()
        self._at = (folder, here)
        return here

    def _leave(self) -> None:
        if self._at is not None:
            os.close(self._at[1])
            self._at = None

    def _checked_target(self, path: str, target: bytes) -> str:
        if not self.links:
            raise _Refused(f"{path!r} is a link")
        text = _text(target)
        if not text or len(target) > _PATH_BYTES or text.startswith("/") or "\\" in text or _UNSEEN.search(text):
            raise _Refused(f"the link {path!r} points to {text[:100]!r}")
        return text

    def make_links(self) -> None:
        """Last of all, so that nothing was ever written through one."""
        for path, target in self._targets.items():
            self._stays_inside(path)
            folder, _, name = path.rpartition("/")
            os.symlink(target, name, dir_fd=self._enter(folder))

    def _stays_inside(self, path: str) -> None:
        """Walk where a link leads, through the other links of the archive, as the kernel will."""
        todo, here, hops = path.split("/"), list[str](), 0
        while todo:
            part = todo.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                if not here:
                    raise _Refused(f"the link {path!r} leads outside")
                here.pop()
                continue
            target = self._targets.get("/".join([*here, part]))
            if target is None:
                here.append(part)
                continue
            hops += 1
            if hops > _HOPS:
                raise _Refused(f"the link {path!r} leads in a circle")
            todo = target.split("/") + todo


def _drain(content: Stream, size: int) -> None:
    while size > 0 and (piece := content.read(min(size, 1 << 16))):
        size -= len(piece)


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise _Refused(f"the name {raw[:100]!r} is not UTF-8") from None


def _checked_path(raw: bytes, strip: int) -> str | None:
    """The path to unpack to, relative and clean; None for what is left out. Refuses what no honest archive has."""
    if len(raw) > _PATH_BYTES:
        raise _Refused(f"the name {raw[:60]!r}… is longer than {_PATH_BYTES} bytes")
    text = _text(raw)
    if text.startswith("/") or _DRIVE.match(text) or "\\" in text:
        raise _Refused(f"{text!r} is not a relative path")
    if _UNSEEN.search(text):
        raise _Refused(f"the name {text!r} has characters that cannot be seen")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _Refused(f"{text!r} leads outside")
    if any(len(part.encode()) > _NAME_BYTES for part in parts) or len(parts) > _DEPTH:
        raise _Refused(f"{text[:100]!r} is too long or too deep")
    if any(part.casefold() == ".git" for part in parts) or 0 < len(parts) <= strip:
        return None
    parts = parts[strip:]
    if parts and parts[0].casefold().startswith(_RESERVED):
        raise _Refused(f"{text!r} is a name that Toque keeps for itself")
    return "/".join(parts)


def _unpack_zip(source: IO[bytes], tree: _Tree) -> None:
    _check_directory_size(source, tree.limits)
    with zipfile.ZipFile(source) as archive:
        infos = archive.infolist()
        if len(infos) > tree.limits.entries:
            raise _Refused(f"it has more than {tree.limits.entries} entries")
        _check_overlap(infos, archive.start_dir)
        for info in infos:
            if info.flag_bits & 0x1:
                raise _Refused(f"{info.filename!r} is encrypted")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise _Refused(f"{info.filename!r} is compressed in an unusual way")
            _add_zipped(archive, info, tree)


def _add_zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, tree: _Tree) -> None:
    mode = info.external_attr >> 16
    kind = stat.S_IFMT(mode)
    name = info.orig_filename.encode("utf-8", "surrogateescape")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise _Refused(f"{info.filename!r} is a device, a pipe or a socket")
    with archive.open(info) as content:
        budget = _Budget(content, tree)
        if info.orig_filename.endswith("/") or kind == stat.S_IFDIR:
            if info.file_size:
                raise _Refused(f"{info.filename!r} is a directory with content")
            tree.add(Member(name, "directory"), budget)
        elif kind == stat.S_IFLNK:
            tree.add(Member(name, "link", target=budget.read(_PATH_BYTES + 1)), budget)
        else:
            tree.add(Member(name, "file", info.file_size, executable=bool(mode & 0o100)), budget)
        if budget.read(1):
            raise _Refused(f"{info.filename!r} is longer than the archive says")


def _check_directory_size(source: IO[bytes], limits: Limits) -> None:
    """Refuse a huge table of contents before it is read into memory."""
    end = zipfile._EndRecData(source)  # type: ignore[attr-defined]
    source.seek(0)
    if end is None:
        raise _Refused("it is a broken zip")
    if end[4] > limits.entries or end[5] > limits.entries * 2048 or end[3] > limits.entries:
        raise _Refused(f"it has more than {limits.entries} entries")
    if end[1] or end[2]:
        raise _Refused("it is a part of a divided zip")


def _check_overlap(infos: list[zipfile.ZipInfo], end: int) -> None:
    """Entries that share their data are how a small zip unpacks to petabytes."""
    for info, following in _pairs(sorted(infos, key=lambda each: each.header_offset), end):
        if info.header_offset + 30 + len(info.orig_filename.encode()) + info.compress_size > following:
            raise _Refused(f"{info.filename!r} overlaps another entry")


def _pairs(infos: list[zipfile.ZipInfo], end: int) -> Iterator[tuple[zipfile.ZipInfo, int]]:
    for number, info in enumerate(infos):
        yield info, infos[number + 1].header_offset if number + 1 < len(infos) else end
