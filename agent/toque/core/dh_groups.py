"""Parameters of Diffie-Hellman: the groups of RFC 7919, and the PEM that servers read.

The library `cryptography` gives this up, so the twenty lines are ours: a file holds two numbers.
"""

from __future__ import annotations

import base64
import binascii
import re

GENERATOR = 2
_OFFSETS = {2048: 560316, 3072: 2625351, 4096: 5736041, 6144: 15705020, 8192: 10965728}
"""By size, the X of RFC 7919, appendix A: the least with which p and (p - 1) / 2 are prime."""

SIZES = tuple(_OFFSETS)
_PEM = re.compile(rb"-----BEGIN DH PARAMETERS-----\s+([A-Za-z0-9+/=\s]+)-----END DH PARAMETERS-----")


def prime(bits: int) -> int:
    """p of the group ffdhe2048, ffdhe3072, …: nothing but the digits of e between two rows of ones."""
    return (1 << bits) - (1 << (bits - 64)) + ((_e_shifted(bits - 130) + _OFFSETS[bits]) << 64) - 1


def pem(p: int, g: int = GENERATOR) -> bytes:
    body = _integer(p) + _integer(g)
    text = base64.b64encode(_tagged(0x30, body)).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN DH PARAMETERS-----", *lines, "-----END DH PARAMETERS-----", ""]).encode()


def prime_in(data: bytes) -> int | None:
    """p of the parameters in a file; None where there are none."""
    found = _PEM.search(data)
    if found is None:
        return None
    try:
        der = base64.b64decode(found[1], validate=False)
        outer, _ = _content(der, 0x30)
        number, _ = _content(outer, 0x02)
    except (binascii.Error, ValueError):
        return None
    return int.from_bytes(number, "big")


def _e_shifted(bits: int) -> int:
    """e times 2 ** bits, without what follows the point."""
    guard = 64
    term = total = 1 << (bits + guard)
    n = 1
    while term:
        term //= n
        total += term
        n += 1
    return total >> guard


def _integer(number: int) -> bytes:
    return _tagged(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _content(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """What the first element holds, and what follows it; raises ValueError when it is not of that tag."""
    if len(der) < 2 or der[0] != tag:
        raise ValueError("not the element that was expected")
    size, at = der[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(der[2:at], "big")
    if len(der) < at + size:
        raise ValueError("cut short")
    return der[at : at + size], der[at + size :]
