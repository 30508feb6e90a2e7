"""Sealed data: what one node alone may read, whoever carries it (HPKE, RFC 9180, base mode).

A sealed box begins with one byte that names the suite, so that a post-quantum suite can come without a new message.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

_X25519_CHACHA: Final = b"\x01"
_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class BadSeal(Exception):
    """A sealed box does not open: for another key, for another purpose, or damaged."""


def seal(public: bytes, plaintext: bytes, *, context: bytes) -> bytes:
    """Seal for the holder of this X25519 key (32 raw bytes). It opens only with the same `context`."""
    return _X25519_CHACHA + _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), info=context)


def open_sealed(private: X25519PrivateKey, sealed: bytes, *, context: bytes) -> bytes:
    """What was sealed for this key and this context; BadSeal otherwise."""
    if sealed[:1] != _X25519_CHACHA:
        raise BadSeal("the box names a suite that this version does not know")
    try:
        return _SUITE.decrypt(sealed[1:], private, info=context)
    except (InvalidTag, ValueError) as wrong:
        raise BadSeal("the box does not open with this key and context") from wrong


def sealing_context(installation_id: str, instance_id: str, command_id: str) -> bytes:
    """The purpose of a command's sealed part: it opens for this command of this instance only."""
    return "\n".join(("toque/1 sealed", installation_id, instance_id, command_id)).encode()
