"""How a machine that registers itself shows, once, that it is the machine of its new record (security.md 2.5).

The machine makes a key, gives the public half to RegisterInstance as `RsaPublicKey`, and gets its instance id. From id
and key it makes its own join token, whose secret has never left the machine, and enrols with that.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from toque.protocol.keys import BadKey
from toque.protocol.tokens import JoinToken

SMALLEST_RSA: Final = 2048
LARGEST_RSA: Final = 4096
"""Bits of an RSA key."""

_LONGEST_PEM: Final = 4096
_DIGESTS: Final = ("md5", "sha1", "sha256")

RegistrationKey = Ed25519PublicKey | RSAPublicKey


def public_pem(key: Ed25519PrivateKey) -> str:
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
    """The public key in a PEM text: Ed25519, or RSA of 2,048 to 4,096 bits. Raises BadKey, which says what is wrong."""
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
    if not SMALLEST_RSA <= key.key_size <= LARGEST_RSA:
        raise BadKey(f"an RSA key must have {SMALLEST_RSA} to {LARGEST_RSA} bits, this has {key.key_size}")
    return key


def fingerprints(key: RegistrationKey) -> dict[str, str]:
    """By name of the digest: the fingerprint of the key's DER form, in hex. What RegisterInstance may bring is one."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {name: hashlib.new(name, der, usedforsecurity=False).hexdigest() for name in _DIGESTS}
