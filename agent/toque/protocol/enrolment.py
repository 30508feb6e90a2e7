"""What the proofs of enrolment and of a key change are signatures over."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from toque.protocol.keys import to_text
from toque.protocol.signed import BadSignature


def proof_text(token_id: str, installation_id: str, node_key: bytes, sealing_key: bytes) -> bytes:
    """What a node key signs to show that its holder asked to enrol with this token and these keys (raw bytes).

    `installation_id` is what the request names in `toque-installation`: `join` (`requests.JOIN_INSTALLATION`), as a
    new agent does not know another.
    """
    return _lines("enrol", token_id, installation_id, to_text(node_key), to_text(sealing_key))


def rotation_text(key_id: str, node_key: bytes, sealing_key: bytes, nonce: str) -> bytes:
    """What the new node key signs when it follows the key `key_id`; the keys are the new ones, raw."""
    return _lines("rotate", key_id, to_text(node_key), to_text(sealing_key), nonce)


def check_proof(text: bytes, proof: bytes, node_key: Ed25519PublicKey) -> None:
    """Raise BadSignature unless `proof` is this key's signature over `text`."""
    try:
        node_key.verify(proof, text)
    except InvalidSignature as wrong:
        raise BadSignature("the proof is not by the node key that it comes with") from wrong


def _lines(purpose: str, *fields: str) -> bytes:
    return "\n".join((f"toque/1 {purpose}", *fields)).encode()
