"""The server's own keys: which there are, where they lie, and what they vouch for (security.md 2.9)."""

from __future__ import annotations

from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from toque.protocol.messages import SignedObject


@dataclass(frozen=True, kw_only=True)
class ServerKeys:
    """What a running server signs with. The root key is not among them: it lies where the operator moved it.

    `online_id` is the key id that signed objects bear; `root` is the signed root manifest, as nodes get it;
    `root_public` and `root_fingerprint` are what join tokens pin.
    """

    installation_id: str
    account_id: str
    online_id: str
    online: Ed25519PrivateKey = field(repr=False)
    root: SignedObject
    root_public: bytes
    root_fingerprint: str
