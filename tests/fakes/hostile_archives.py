"""Archives that nobody should unpack as they say: made by hand, byte by byte, the same in each run."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

_ZEROS = bytes(1024)
_RANDOM = random.Random(20130218)


@dataclass(frozen=True)
class Hostile:
    """`verdict`: refused, or unpacked to nothing that does harm."""

    name: str
    data: bytes
    verdict: Literal["refused", "harmless"] = "refused"


def header(name: bytes, *, size: int = 0, kind: bytes = b"0", target: bytes = b"", mode: bytes = b"0000644") -> bytes:
    """One ustar header, with any content."""
    size_field = size.to_bytes(12, "big", signed=True) if size < 0 else b"%011o\0" % size
    if size >= 8**11:
        size_field = b"\x80" + size.to_bytes(11, "big")
    fields = [
        (name, 100),
        (mode + b"\0", 8),
        (b"0000000\0", 8),
        (b"0000000\0", 8),
        (size_field, 12),
        (b"00000000000\0", 12),
        (b" " * 8, 8),
        (kind, 1),
        (target, 100),
        (b"ustar\x0000", 8),
        (b"root", 32),
        (b"root", 32),
        (b"", 16),
        (b"", 155),
    ]
    block = b"".join(value[:length].ljust(length, b"\0") for value, length in fields).ljust(512, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def entry(name: bytes, content: bytes = b"x", **more: bytes) -> bytes:
    body = content + bytes(-len(content) % 512)
    return header(name, size=len(content), **more) + body  # type: ignore[arg-type]


def pax(**records: str | bytes) -> bytes:
    data = b""
    for key, value in records.items():
        raw = value.encode() if isinstance(value, str) else value
        rest = b" " + key.replace("__", ".").encode() + b"=" + raw + b"\n"
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        data += str(length).encode() + rest
    return entry(b"pax", data, kind=b"x")


def link(name: bytes, target: bytes) -> bytes:
    return header(name, kind=b"2", target=target)


def tgz(*parts: bytes) -> bytes:
    return gzip.compress(b"".join(parts) + _ZEROS, compresslevel=1, mtime=0)


def zipped(*entries: tuple[str, bytes], modes: dict[str, int] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (modes or {}).get(name, 0o100644) << 16
            archive.writestr(info, content)
    return out.getvalue()


def _names() -> Iterator[tuple[str, bytes]]:
    yield "parent", b"../canary"
    yield "parent inside", b"a/../../canary"
    yield "absolute", b"/tmp/toque-canary"
    yield "backslash", b"..\\canary"
    yield "drive", b"C:canary"
    yield "newline", b"a\nb"
    yield "escape", b"a\x1b[2Jb"
    yield "bidi", "a\u202eb".encode()
    yield "zero width", "a\u200bb".encode()
    yield "not utf-8", b"a\xff\xfe"
    yield "surrogate", b"a\xed\xa0\x80"
    yield "our own name", b".toque-archive"
    yield "a release's mark", b".opsworks-release.json"
    yield "component of 300", b"a" * 300
    yield "dot dot slash", b"../"


def _tars() -> Iterator[Hostile]:
    for name, raw in _names():
        long = pax(path=raw) if len(raw) > 100 else b""
        yield Hostile(f"tar: {name}", tgz(long, entry(raw)))
    for kind, what in (
        (b"3", "character device"),
        (b"4", "block device"),
        (b"6", "pipe"),
        (b"S", "sparse"),
        (b"Z", "unknown"),
    ):
        yield Hostile(f"tar: {what}", tgz(header(b"x", kind=kind)))
    yield Hostile("tar: hard link out", tgz(header(b"x", kind=b"1", target=b"/etc/passwd")))
    yield Hostile("tar: hard link inside", tgz(entry(b"a"), header(b"x", kind=b"1", target=b"a")))
    yield Hostile("tar: link out", tgz(link(b"x", b"../../etc/passwd")))
    yield Hostile("tar: absolute link", tgz(link(b"x", b"/etc/passwd")))
    yield Hostile("tar: link out, then a file through it", tgz(link(b"x", b".."), entry(b"x/canary")))
    yield Hostile("tar: link inside, then a file through it", tgz(entry(b"d/a"), link(b"x", b"d"), entry(b"x/b")))
    yield Hostile("tar: file through a later link", tgz(entry(b"x/b"), link(b"x", b"/tmp")))
    yield Hostile("tar: link to itself", tgz(link(b"x", b"x")))
    yield Hostile("tar: links in a circle", tgz(link(b"a", b"b"), link(b"b", b"a")))
    yield Hostile(
        "tar: out by way of an inner link", tgz(entry(b"d/e/f"), link(b"d/e/up", b"../.."), link(b"x", b"d/e/up/.."))
    )
    chain = [link(b"l%d" % n, b"l%d" % (n + 1)) for n in range(60)]
    yield Hostile("tar: sixty links in a row", tgz(*chain))
    yield Hostile("tar: empty link", tgz(link(b"x", b"")))
    yield Hostile("tar: link with a newline", tgz(link(b"x", b"a\nb")))
    yield Hostile("tar: the same name twice", tgz(entry(b"a"), entry(b"a")))
    yield Hostile("tar: the same name in another case", tgz(entry(b"Readme"), entry(b"README")))
    yield Hostile("tar: twins in two Unicode forms", tgz(entry("é".encode()), entry("e\u0301".encode())))
    yield Hostile("tar: file, then folder", tgz(entry(b"a"), entry(b"a/b")))
    yield Hostile("tar: folder, then file", tgz(entry(b"a/b"), entry(b"a")))
    yield Hostile("tar: depth of 5,000", tgz(pax(path="d/" * 400 + "x"), entry(b"x")))
    yield Hostile("tar: name of 100,000 bytes", tgz(pax(path="d" * 100_000), entry(b"x")))
    yield Hostile("tar: bad sum", gzip.compress(entry(b"a")[:148] + b"0000000\0" + entry(b"a")[156:] + _ZEROS, mtime=0))
    yield Hostile("tar: negative size", tgz(header(b"a", size=-512)))
    yield Hostile("tar: size of 1 EiB", tgz(header(b"a", size=1 << 60)))
    yield Hostile("tar: PAX size override", tgz(pax(size="99999999999999"), entry(b"a")))
    yield Hostile("tar: PAX size of a word", tgz(pax(size="many"), entry(b"a")))
    yield Hostile("tar: PAX path out", tgz(pax(path="../canary"), entry(b"a")))
    yield Hostile("tar: PAX link out", tgz(pax(linkpath="../canary"), link(b"a", b"inside")))
    yield Hostile("tar: PAX sparse of 1 TiB", tgz(pax(GNU__sparse__realsize="1099511627776"), entry(b"a")))
    yield Hostile("tar: GNU long name out", tgz(entry(b"././@LongLink", b"../canary\0", kind=b"L"), entry(b"a")))
    yield Hostile("tar: broken PAX", tgz(entry(b"pax", b"999999 path=x\n", kind=b"x"), entry(b"a")))
    yield Hostile("tar: cut off in a file", gzip.compress(header(b"a", size=5000) + b"x" * 600, mtime=0))
    yield Hostile("tar: something after its end", tgz(entry(b"a"), _ZEROS, b"y" * 512))
    yield Hostile("tar: 25,000 empty entries", tgz(*(header(b"f%d" % n) for n in range(25_000))))
    yield Hostile("tar: 2 MiB of header data", tgz(entry(b"x", b"y" * (2 << 20), kind=b"L")))
    yield Hostile("tar: set-user-id", tgz(entry(b"a", mode=b"0006777")), "harmless")
    yield Hostile("tar: world-writable folder", tgz(header(b"d", kind=b"5", mode=b"0000777")), "harmless")
    yield Hostile(
        "tar: extended attributes", tgz(pax(SCHILY__xattr__security__capability="x"), entry(b"a")), "harmless"
    )
    yield Hostile(
        "tar: hooks of git", tgz(entry(b".git/hooks/post-checkout", mode=b"0000755"), entry(b"a")), "harmless"
    )
    yield Hostile(
        "tar: several gzip members",
        gzip.compress(entry(b"a")) + gzip.compress(_ZEROS),
        "harmless",
    )


def _streams() -> Iterator[Hostile]:
    good = b"".join([entry(b"a"), _ZEROS])
    bomb = header(b"a", size=300 << 20)
    yield Hostile("plain tar", good)
    yield Hostile("nothing", b"")
    yield Hostile("noise", _RANDOM.randbytes(4096))
    yield Hostile("a single file, gzipped", gzip.compress(b"hello" * 1000, mtime=0))
    yield Hostile("gzip cut off", gzip.compress(good, mtime=0)[:-9])
    yield Hostile("gzip with a wrong sum", gzip.compress(good, mtime=0)[:-8] + b"\0" * 8)
    yield Hostile("gzip with something after it", gzip.compress(good, mtime=0) + b"PK\x05\x06")
    yield Hostile("bzip2 cut off", bz2.compress(good)[:-5])
    yield Hostile("xz cut off", lzma.compress(good)[:-5])
    yield Hostile("xz that needs a gigabyte", _greedy_xz(good))
    yield Hostile("zstd", b"\x28\xb5\x2f\xfd" + bytes(64))
    packer = lzma.LZMACompressor(preset=0)
    packed = packer.compress(bomb) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()
    yield Hostile("300 MiB of zeros, in xz", packed)
    yield Hostile("a hundred broken copies", _flipped(gzip.compress(good, mtime=0)))


def _greedy_xz(content: bytes) -> bytes:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 64 << 20}]
    packed = bytearray(lzma.compress(content, filters=filters))
    at = packed.index(b"\x21\x01") + 2  # the filter's id, the size of its properties, then the size of its window
    packed[at] = 40
    end = 12 + (packed[12] + 1) * 4
    packed[end - 4 : end] = struct.pack("<I", zlib.crc32(packed[12 : end - 4]))
    return bytes(packed)


def _flipped(data: bytes) -> bytes:
    broken = bytearray(data)
    for at in range(20, len(broken), 3):
        broken[at] ^= 0xFF
    return bytes(broken)


def _zips() -> Iterator[Hostile]:
    for name, raw in _names():
        text = raw.decode("utf-8", "replace")
        if "\ufffd" not in text:
            yield Hostile(f"zip: {name}", zipped((text, b"x")))
    yield Hostile("zip: NUL in a name", zipped(("aXb", b"x")).replace(b"aXb", b"a\0b"))
    yield Hostile("zip: link out", zipped(("x", b"../../etc/passwd"), modes={"x": 0o120777}))
    yield Hostile("zip: link of 2,000 bytes", zipped(("x", b"a" * 2000), modes={"x": 0o120777}))
    yield Hostile("zip: device", zipped(("x", b""), modes={"x": 0o020666}))
    yield Hostile("zip: the same name twice", zipped(("a", b"1"), ("A", b"2")))
    yield Hostile("zip: encrypted", _with_flag(zipped(("a", b"1"))))
    yield Hostile("zip: bzip2 inside", _stored_as(zipfile.ZIP_BZIP2))
    yield Hostile("zip: other name in the local header", zipped(("abc", b"x")).replace(b"abc", b"abd", 1))
    yield Hostile("zip: cut off", zipped(("abc", b"x" * 1000))[:-30])
    yield Hostile("zip: 25,000 entries", zipped(*((f"f{n}", b"") for n in range(25_000))))
    yield Hostile("zip: 300 MiB of zeros", zipped(("a", bytes(300 << 20))))
    yield Hostile("zip: wrong sum", _wrong_sum(zipped(("a", b"12345678"))))
    yield Hostile("zip: overlapping entries", _overlapping())
    yield Hostile("zip: longer than it says", _shorter(zipped(("a", b"y" * 5000))))
    yield Hostile("zip: set-user-id", zipped(("a", b"x"), modes={"a": 0o104777}), "harmless")
    yield Hostile("zip: an archive inside", zipped(("inner.zip", zipped(("../x", b"x")))), "harmless")


def _with_flag(data: bytes) -> bytes:
    local, central = data.index(b"PK\x03\x04"), data.index(b"PK\x01\x02")
    changed = bytearray(data)
    changed[local + 6] |= 1
    changed[central + 8] |= 1
    return bytes(changed)


def _stored_as(method: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("a", b"x" * 1000)
    return out.getvalue()


def _wrong_sum(data: bytes) -> bytes:
    central = data.index(b"PK\x01\x02")
    changed = bytearray(data)
    changed[central + 16] ^= 0xFF
    return bytes(changed)


def _shorter(data: bytes) -> bytes:
    """The table of contents says 100 bytes where there are 5,000."""
    central = data.index(b"PK\x01\x02")
    changed = bytearray(data)
    changed[central + 24 : central + 28] = struct.pack("<I", 100)
    return bytes(changed)


def _overlapping() -> bytes:
    """Two entries of the table of contents that share one entry's data."""
    data = zipped(("a", b"x" * 1000))
    central, end = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    table = data[central:end] * 2
    tail = bytearray(data[end:])
    tail[8:12] = struct.pack("<HH", 2, 2)
    tail[12:16] = struct.pack("<I", len(table))
    return data[:central] + table + bytes(tail)


def corpus() -> list[Hostile]:
    makers: list[Callable[[], Iterator[Hostile]]] = [_tars, _streams, _zips]
    return [each for make in makers for each in make()]


def honest(format: str, *, prefix: str = "tool-1.2/") -> bytes:
    """An ordinary archive: `tar.gz`, `tar.bz2`, `tar.xz` or `zip`."""
    files = {f"{prefix}bin/tool": (b"#!/bin/sh\n", 0o755), f"{prefix}README": (b"read me\n", 0o644)}
    if format == "zip":
        entries = [(f"{prefix}bin/", b""), *((name, content) for name, (content, _) in files.items())]
        modes = {name: 0o100000 | mode for name, (_, mode) in files.items()} | {f"{prefix}latest": 0o120777}
        return zipped(*entries, (f"{prefix}latest", b"bin/tool"), modes=modes | {f"{prefix}bin/": 0o040755})
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{format.removeprefix('tar.')}") as archive:
        for name, (content, mode) in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            archive.addfile(info, io.BytesIO(content))
        shortcut = tarfile.TarInfo(f"{prefix}latest")
        shortcut.type, shortcut.linkname = tarfile.SYMTYPE, "bin/tool"
        archive.addfile(shortcut)
        long = tarfile.TarInfo(f"{prefix}{'long-' * 30}/{'name-' * 20}")
        archive.addfile(long)
    return out.getvalue()
