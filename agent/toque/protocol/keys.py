"""Keys: Ed25519 for signing and X25519 for sealing, as raw bytes, as base64 text and as private files."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from toque.protocol.durable import write_durably

KEY_SIZE = 32


class BadKey(ValueError):
    """Something that should be a key is none."""


def new_signing_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


def new_sealing_key() -> X25519PrivateKey:
    return X25519PrivateKey.generate()


def public_bytes(key: Ed25519PrivateKey | X25519PrivateKey | Ed25519PublicKey | X25519PublicKey) -> bytes:
    """The 32 raw bytes of the public half."""
    if isinstance(key, Ed25519PrivateKey | X25519PrivateKey):
        key = key.public_key()
    return key.public_bytes_raw()


def load_public(raw: bytes) -> Ed25519PublicKey:
    """The Ed25519 public key with these 32 raw bytes; BadKey when they are not 32."""
    try:
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError as wrong:
        raise BadKey(f"an Ed25519 public key has {KEY_SIZE} bytes, these are {len(raw)}") from wrong


def load_signing_key(raw: bytes) -> Ed25519PrivateKey:
    """The Ed25519 private key with this seed of 32 bytes."""
    try:
        return Ed25519PrivateKey.from_private_bytes(raw)
    except ValueError as wrong:
        raise BadKey(f"an Ed25519 seed has {KEY_SIZE} bytes, these are {len(raw)}") from wrong


def load_sealing_key(raw: bytes) -> X25519PrivateKey:
    """The X25519 private key with these 32 raw bytes."""
    try:
        return X25519PrivateKey.from_private_bytes(raw)
    except ValueError as wrong:
        raise BadKey(f"an X25519 key has {KEY_SIZE} bytes, these are {len(raw)}") from wrong


def fingerprint(raw_public: bytes) -> str:
    """SHA-256 of the raw public key, in hex: how a person or a join token names a key."""
    return hashlib.sha256(raw_public).hexdigest()


def to_text(raw: bytes) -> str:
    """Bytes as they stand in messages: standard base64 with padding."""
    return base64.b64encode(raw).decode("ascii")


def from_text(text: str) -> bytes:
    """The bytes of `to_text()`; BadKey for anything else."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as wrong:
        raise BadKey("this is not base64") from wrong


def write_private(path: Path, key: Ed25519PrivateKey | X25519PrivateKey) -> None:
    """Write a private key as base64 text, mode 0600, whole or not at all, durable when it returns."""
    write_durably(path, to_text(key.private_bytes_raw()).encode("ascii") + b"\n", mode=0o600)


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    return load_signing_key(_private_bytes(path))


def read_sealing_key(path: Path) -> X25519PrivateKey:
    return load_sealing_key(_private_bytes(path))


def _private_bytes(path: Path) -> bytes:
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise BadKey(f"{path} has mode {mode:04o}; a private key must be 0600: chmod 600 {path}")
    try:
        return from_text(path.read_text("ascii").strip())
    except (BadKey, UnicodeDecodeError) as wrong:
        raise BadKey(f"{path} holds no key") from wrong
