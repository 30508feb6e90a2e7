"""The members of a tar archive, read strictly: what is not plainly a file, directory or link is refused by name.

Our own reader, because the standard library's follows sparse maps, negative sizes and other inventions that no archive
of sources needs. Understands ustar, GNU long names and PAX paths; ignores owners, times and extended attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

BLOCK = 512
_HEADER_LIMIT = 64 * 1024
_ZERO = bytes(BLOCK)


class BadTar(Exception):
    """The archive is broken, or holds what we do not unpack."""


class Stream(Protocol):
    def read(self, count: int, /) -> bytes: ...


@dataclass(frozen=True)
class Member:
    """One entry, as the archive says it. `executable` is the owner's x bit; of a link `target` is where it points."""

    name: bytes
    kind: Literal["file", "directory", "link"]
    size: int = 0
    executable: bool = False
    target: bytes = b""


_REFUSED = {
    b"1": "a hard link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a named pipe",
    b"S": "a sparse file",
    b"M": "a part of another archive",
    b"V": "a volume label",
    b"D": "a directory dump",
}


def members(stream: Stream) -> Iterator[Member]:
    """The entries in order. The content of a file must be read (`Member.size` bytes) before the next is asked for."""
    overrides: dict[str, bytes] = {}
    while True:
        header = _exactly(stream, BLOCK)
        if header == _ZERO:
            _only_zeros(stream)
            return
        _check_sum(header)
        flag, size = header[156:157], _number(header[124:136])
        if flag in (b"L", b"K"):
            overrides["path" if flag == b"L" else "linkpath"] = _header_data(stream, size).rstrip(b"\0")
        elif flag == b"x":
            overrides.update(_pax(_header_data(stream, size)))
        elif flag == b"g":
            _pax(_header_data(stream, size))
        else:
            yield (member := _member(header, flag, size, overrides))
            _exactly(stream, -member.size % BLOCK)
            overrides = {}


def _member(header: bytes, flag: bytes, size: int, overrides: dict[str, bytes]) -> Member:
    name = overrides.get("path") or _name(header)
    if "size" in overrides:
        size = _decimal(overrides["size"])
    if flag in _REFUSED or any(key.startswith("GNU.sparse") for key in overrides):
        raise BadTar(f"{name!r} is {_REFUSED.get(flag, 'a sparse file')}")
    if flag == b"2":
        if size:
            raise BadTar(f"{name!r} is a link with content")
        return Member(name, "link", target=overrides.get("linkpath") or _text(header[157:257]))
    if flag == b"5" or (flag in b"\x000" and name.endswith(b"/")):
        if size:
            raise BadTar(f"{name!r} is a directory with content")
        return Member(name, "directory")
    if flag not in (b"0", b"\0", b"7"):
        raise BadTar(f"{name!r} is of the unknown kind {flag!r}")
    return Member(name, "file", size, executable=bool(_number(header[100:108]) & 0o100))


def _name(header: bytes) -> bytes:
    name, prefix = _text(header[0:100]), _text(header[345:500])
    is_ustar = header[257:263] == b"ustar\0"
    return prefix + b"/" + name if is_ustar and prefix else name


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes) -> int:
    if field[:1] in (b"\x80", b"\xff"):  # base 256, for what octal cannot say
        value = int.from_bytes(field[1:], "big")
        if field[:1] == b"\xff" or value >= 1 << 62:
            raise BadTar("a number in it is out of bounds")
        return value
    text = field.strip(b" \0")
    if text.strip(b"01234567"):
        raise BadTar("a number in it is not octal")
    return int(text or b"0", 8)


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 18:
        raise BadTar("a size in it is not a number")
    return int(text)


def _pax(data: bytes) -> dict[str, bytes]:
    """The `length key=value` records of a PAX header."""
    found: dict[str, bytes] = {}
    while data:
        digits, _, _ = data.partition(b" ")
        length = _decimal(digits) if len(digits) < 8 else 0
        record = data[len(digits) + 1 : length]
        if length <= len(digits) + 1 or length > len(data) or not record.endswith(b"\n"):
            raise BadTar("an extended header in it is broken")
        key, equals, value = record[:-1].partition(b"=")
        if not equals:
            raise BadTar("an extended header in it is broken")
        found[key.decode("utf-8", "replace")] = value
        data = data[length:]
    return found


def _header_data(stream: Stream, size: int) -> bytes:
    if size > _HEADER_LIMIT:
        raise BadTar("an extended header in it is larger than 64 KiB")
    data = _exactly(stream, size)
    _exactly(stream, -size % BLOCK)
    return data


def _check_sum(header: bytes) -> None:
    digits = header[148:156].strip(b" \0")
    wanted = int(digits, 8) if digits and not digits.strip(b"01234567") else -1
    if sum(header[:148]) + 8 * 32 + sum(header[156:]) != wanted:
        raise BadTar("it is no tar archive, or broken")


def _exactly(stream: Stream, count: int) -> bytes:
    data = stream.read(count)
    if len(data) != count:
        raise BadTar("it is cut off, or no tar archive")
    return data


def _only_zeros(stream: Stream) -> None:
    while data := stream.read(1 << 16):
        if data.strip(b"\0"):
            raise BadTar("something follows the end of the archive")
