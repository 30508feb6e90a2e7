"""Join tokens: the text with which a machine becomes an instance, once (security.md 2.5)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final

_ID: Final = re.compile(r"[A-Za-z0-9-]{1,61}", re.ASCII)
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)


class BadToken(ValueError):
    """The text is no join token; the message says what is wrong with it, and never repeats the secret."""


@dataclass(frozen=True, slots=True)
class JoinToken:
    """`id` names the token, `seed` is the Ed25519 seed that signs the enrolment, and `root_fingerprint` the one root
    key whose word the new agent believes (`keys.fingerprint`, hex)."""

    id: str
    seed: bytes = field(repr=False)
    root_fingerprint: str

    @property
    def text(self) -> str:
        seed = base64.urlsafe_b64encode(self.seed).rstrip(b"=").decode("ascii")
        body = f"tqj1.{self.id}.{seed}.{self.root_fingerprint}"
        return f"{body}.{_check(body)}"

    @property
    def key_id(self) -> str:
        """The key id under which an enrolment is signed."""
        return f"jt-{self.id}"


def parse_token(text: str) -> JoinToken:
    """Read a token's text, blanks around it allowed.

    parse_token(token.text) == token
    """
    parts = text.strip().split(".")
    if parts[0] != "tqj1":
        raise BadToken("a join token begins with tqj1.; this is none, or of a newer version")
    if len(parts) != 5:
        raise BadToken(f"a join token has five parts between dots, this has {len(parts)}: was it copied whole?")
    _, token_id, seed_text, root, check = parts
    if check != _check(".".join(parts[:4])):
        raise BadToken("the join token's check does not fit: it was changed or cut when it was copied")
    if _ID.fullmatch(token_id) is None:
        raise BadToken("the join token's id is none")
    if _FINGERPRINT.fullmatch(root) is None:
        raise BadToken("the join token's root fingerprint is not 64 hexadecimal digits")
    try:
        seed = base64.urlsafe_b64decode(seed_text + "=" * (-len(seed_text) % 4))
    except (binascii.Error, ValueError) as wrong:
        raise BadToken("the join token's secret is not base64") from wrong
    if len(seed) != 32:
        raise BadToken(f"the join token's secret has {len(seed)} bytes instead of 32")
    return JoinToken(token_id, seed, root)


def _check(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:8]
