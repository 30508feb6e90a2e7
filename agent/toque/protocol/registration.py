"""How a machine that registers itself shows, once, that it is the machine of its new record (security.md 2.5).

The machine makes a key, gives the public half to RegisterInstance as `RsaPublicKey`, and gets its instance id. With the
private half, which never leaves it, it signs its enrolment. An Ed25519 key and the id make a join token like any other
(`own_token`); an RSA key, which other clients may have, signs as itself (`OwnKey`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from toque.protocol.keys import KEY_SIZE, BadKey, load_public, public_bytes
from toque.protocol.requests import Signing, Verifying
from toque.protocol.tokens import JoinToken

RSA_SIZES: Final = (2048, 3072, 4096)
"""Bits that an RSA key may have."""

_LONGEST_PEM: Final = 4096
_DIGESTS: Final = ("md5", "sha1", "sha256")

RegistrationKey = Ed25519PublicKey | RSAPublicKey


# `rsa-pss-sha512` of RFC 9421, section 3.3.1.
_PSS: Final = PSS(MGF1(SHA512()), salt_length=64)


@dataclass(frozen=True)
class RsaSigner:
    key: RSAPrivateKey = field(repr=False)

    def sign(self, data: bytes, /) -> bytes:
        return self.key.sign(data, _PSS, SHA512())


@dataclass(frozen=True)
class RsaVerifier:
    key: RSAPublicKey

    def verify(self, signature: bytes, data: bytes, /) -> None:
        self.key.verify(signature, data, _PSS, SHA512())


@dataclass(frozen=True)
class OwnKey:
    """In place of a join token: the key that a machine registered with, and as which instance (`id`)."""

    id: str
    key: Signing = field(repr=False)
    root_fingerprint: str

    @property
    def key_id(self) -> str:
        return f"jt-{self.id}"


def public_pem(key: Ed25519PrivateKey | RSAPrivateKey) -> str:
    """What RegisterInstance takes as `RsaPublicKey`: the public half as PEM."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return pem.decode("ascii")


def own_token(instance_id: str, key: Ed25519PrivateKey, root_fingerprint: str) -> JoinToken:
    """The join token of the machine that registered with this key as that instance; it works once.

    `root_fingerprint` is the provisioning parameter of that name: the one root key whose word the machine believes.

        key = new_signing_key()
        instance_id = call("RegisterInstance", StackId=stack_id, RsaPublicKey=public_pem(key))["InstanceId"]
        print(own_token(instance_id, key, parameters["root_fingerprint"]).text)
    """
    return JoinToken(instance_id, key.private_bytes_raw(), root_fingerprint)


def read_public(pem: str) -> RegistrationKey:
    """The public key in a PEM text: Ed25519, or RSA of `RSA_SIZES` bits. Raises BadKey, which says what is wrong."""
    try:
        key = load_pem_public_key(pem.encode("ascii")) if len(pem) <= _LONGEST_PEM else None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if key is None:
        raise BadKey("this is no public key in PEM (-----BEGIN PUBLIC KEY----- …)")
    if isinstance(key, Ed25519PublicKey):
        return key
    if not isinstance(key, RSAPublicKey):
        raise BadKey("a machine registers with an Ed25519 or an RSA key, and this is of another kind")
    if key.key_size not in RSA_SIZES:
        raise BadKey(f"an RSA key must have {', '.join(map(str, RSA_SIZES))} bits, this has {key.key_size}")
    return key


def read_private(pem: bytes) -> Signing:
    """The private key in a PEM file, as it signs an enrolment. Raises BadKey."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("this is no private key in PEM without a passphrase (-----BEGIN PRIVATE KEY----- …)") from None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if not isinstance(key, RSAPrivateKey):
        raise BadKey("a machine registers with an Ed25519 or an RSA key, and this is of another kind")
    return RsaSigner(key)


def raw_public(key: RegistrationKey) -> bytes:
    """How a server keeps it: an Ed25519 key's 32 bytes, an RSA key's DER form."""
    if isinstance(key, Ed25519PublicKey):
        return public_bytes(key)
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def verifier(raw: bytes) -> Verifying:
    """The public key that `raw_public` (or `keys.public_bytes`) made these bytes of. Raises BadKey."""
    if len(raw) == KEY_SIZE:
        return load_public(raw)
    key = load_der_public_key(raw)
    if not isinstance(key, RSAPublicKey):
        raise BadKey("these bytes are no registered machine's key")
    return RsaVerifier(key)


def fingerprints(key: RegistrationKey) -> dict[str, str]:
    """By name of the digest: the fingerprint of the key's DER form, in hex. What RegisterInstance may bring is one."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {name: hashlib.new(name, der, usedforsecurity=False).hexdigest() for name in _DIGESTS}
