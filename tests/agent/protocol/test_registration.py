"""The key that a machine registers with, and joins with once (security.md 2.5)."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from toque.protocol import registration
from toque.protocol.keys import BadKey, new_signing_key, public_bytes
from toque.protocol.registration import OwnKey, own_token, public_pem, raw_public, read_private, read_public, verifier
from toque.protocol.tokens import parse_token

ED25519 = new_signing_key()
RSA = rsa.generate_private_key(65537, 2048)
CURVE = ec.generate_private_key(ec.SECP256R1())


def pem(key: object) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("key", [ED25519, RSA], ids=["ed25519", "rsa"])
def test_what_the_private_half_signs_the_registered_half_believes(key: object) -> None:
    kept = raw_public(read_public(public_pem(key)))  # type: ignore[arg-type]

    signature = read_private(pem(key)).sign(b"enrol me")

    verifier(kept).verify(signature, b"enrol me")
    with pytest.raises(InvalidSignature):
        verifier(kept).verify(signature, b"enrol him")


def test_id_and_key_make_a_join_token_like_any_other() -> None:
    token = own_token("2f18b4cb-4de5-4429-a149-ff7da9f0d8ee", ED25519, "ab" * 32)

    assert parse_token(token.text) == token
    assert token.key_id == OwnKey(token.id, ED25519, "").key_id == f"jt-{token.id}"
    assert raw_public(read_public(public_pem(ED25519))) == public_bytes(ED25519)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"none", "no private key in PEM"),
        (pem(CURVE), "an Ed25519 or an RSA key"),
    ],
    ids=["text", "curve"],
)
def test_a_file_that_is_no_such_key_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(BadKey, match=message):
        read_private(text)


def test_a_text_of_unusual_length_is_not_even_read() -> None:
    with pytest.raises(BadKey, match="no public key in PEM"):
        read_public("A" * (registration._LONGEST_PEM + 1))
