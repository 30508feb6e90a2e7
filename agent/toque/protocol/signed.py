"""Signed objects: commands, policies, root manifests and times, whoever carries them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from toque.protocol.messages import SignedObject

Kind = Literal["command", "policy", "root", "time"]


class BadSignature(Exception):
    """A signature is not by whom it says, or not over what it stands under."""


def sign(kind: Kind, payload: bytes, key: Ed25519PrivateKey, key_id: str) -> SignedObject:
    """Vouch for `payload` as a thing of this kind. A signature over one kind never counts for another."""
    signature = key.sign(_spoken(kind, payload))
    return SignedObject(kind, base64.b64encode(payload).decode(), key_id, base64.b64encode(signature).decode())


def open_signed(obj: SignedObject, kind: Kind, keys: Mapping[str, Ed25519PublicKey]) -> bytes:
    """The payload, when one of `keys` (by key id) vouches for it as a thing of this kind; else BadSignature."""
    if obj.kind != kind:
        raise BadSignature(f"a {kind} was expected, this is signed as a {obj.kind}")
    key = keys.get(obj.key)
    if key is None:
        raise BadSignature(f"this {kind} is signed with a key that is not trusted: {obj.key!r}")
    try:
        payload = base64.b64decode(obj.payload.encode("ascii"), validate=True)
        key.verify(base64.b64decode(obj.signature.encode("ascii"), validate=True), _spoken(kind, payload))
    except (InvalidSignature, binascii.Error, UnicodeEncodeError) as wrong:
        raise BadSignature(f"the signature of key {obj.key!r} over this {kind} is wrong") from wrong
    return payload


def _spoken(kind: str, payload: bytes) -> bytes:
    return b"toque/1 " + kind.encode("ascii") + b"\n" + payload
