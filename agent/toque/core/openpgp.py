"""Public keys in OpenPGP's format: as text or bytes, and the fingerprints that tell whose they are."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator

from toque.core.errors import ToqueError

BEGIN = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_END = "-----END PGP PUBLIC KEY BLOCK-----"
_BLOCK = re.compile(re.escape(BEGIN) + r"\r?\n(.*?)" + re.escape(_END), re.DOTALL)
_PUBLIC_KEY = 6
_CRC_START, _CRC_POLYNOMIAL = 0xB704CE, 0x1864CFB


class BadKey(ToqueError):
    """What should be a public key is none."""


def dearmored(data: bytes) -> bytes:
    """The bytes of a key, which may be armoured text, in several blocks."""
    if BEGIN.encode() not in data:
        return data
    blocks = []
    for block in _BLOCK.findall(data.decode("ascii", errors="replace")):
        lines = [line.strip() for line in block.splitlines()]
        start = lines.index("") + 1 if "" in lines else 0
        try:
            blocks.append(base64.b64decode("".join(line for line in lines[start:] if line[:1] != "="), validate=True))
        except (binascii.Error, ValueError):
            raise BadKey("the text between BEGIN PGP PUBLIC KEY BLOCK and END is damaged") from None
    if not blocks:
        raise BadKey("the text begins as a PGP public key and does not end")
    return b"".join(blocks)


def armored(data: bytes) -> bytes:
    """The same key as text."""
    data = dearmored(data)
    lines = base64.b64encode(data).decode()
    crc = base64.b64encode(_crc24(data).to_bytes(3, "big")).decode()
    body = "\n".join(lines[at : at + 64] for at in range(0, len(lines), 64))
    return f"{BEGIN}\n\n{body}\n={crc}\n{_END}\n".encode()


def fingerprints(data: bytes) -> tuple[str, ...]:
    """Those of all primary keys in it, in capital hexadecimal digits; raises BadKey when there is none."""
    found = tuple(sorted({_fingerprint(body) for tag, body in _packets(dearmored(data)) if tag == _PUBLIC_KEY}))
    if not found:
        raise BadKey("it holds no OpenPGP public key")
    return found


def _fingerprint(body: bytes) -> str:
    version = body[:1]
    if version == b"\x04":
        return hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False).hexdigest().upper()
    if version in (b"\x05", b"\x06"):
        mark = b"\x9a" if version == b"\x05" else b"\x9b"
        return hashlib.sha256(mark + len(body).to_bytes(4, "big") + body).hexdigest().upper()
    raise BadKey("it holds a key of a version that is too old, or not known yet")


def _packets(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        tag, length, start = _header(data, at)
        if start + length > len(data):
            raise BadKey("it is no OpenPGP key, or it was cut off")
        yield tag, data[start : start + length]
        at = start + length


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    """Kind and length of the packet that begins here, and where its body begins."""
    first, rest = data[at], data[at + 1 : at + 6] + bytes(5)
    if not first & 0x80:
        raise BadKey("it is no OpenPGP key")
    if not first & 0x40:
        size = {0: 1, 1: 2, 2: 4}.get(first & 3)
        if size is None:
            raise BadKey("it is an OpenPGP message without a length, not a key")
        return (first >> 2) & 15, int.from_bytes(rest[:size], "big"), at + 1 + size
    tag = first & 0x3F
    if rest[0] < 192:
        return tag, rest[0], at + 2
    if rest[0] < 224:
        return tag, ((rest[0] - 192) << 8) + rest[1] + 192, at + 3
    if rest[0] == 255:
        return tag, int.from_bytes(rest[1:5], "big"), at + 6
    raise BadKey("it is an OpenPGP message in pieces, not a key")


def _crc24(data: bytes) -> int:
    crc = _CRC_START
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= _CRC_POLYNOMIAL
    return crc
