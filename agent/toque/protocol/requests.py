"""Signed requests: RFC 9421 in one fixed shape, which agents write and the server reads (security.md 2.6).

There is one label, one list of components, one order and one spelling; whatever differs is no request of ours. A
full-match expression reads the one header that has structure, so nothing of a general parser stands before the
signature. The algorithm follows from the key and is never taken from the message.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature

from toque.protocol.messages import ENROL_PATH, LANE_OF
from toque.protocol.signed import BadSignature

CONTENT_TYPE: Final = "application/json"
TAG: Final = "toque-agent-v1"
ENROL_LANE: Final = "j"
"""The lane of enrolment, where nothing is counted: a join token works once."""

JOIN_INSTALLATION: Final = "join"
"""What an agent that does not know its installation yet writes in its place."""

CLOCK_TOLERANCE: Final = 300.0
"""Seconds that `created` may be off on either side (S4)."""

HEADERS: Final = ("content-type", "content-digest", "toque-installation", "signature-input", "signature")

_COMPONENTS: Final = '("@method" "@path" "content-type" "content-digest" "toque-installation")'
_INPUT: Final = re.compile(
    r"sig1=("
    + re.escape(_COMPONENTS)
    + r";created=([1-9][0-9]{0,11})"
    + r';keyid="([A-Za-z0-9-]{1,64})"'
    + r';nonce="((0|[1-9][0-9]{0,17})-([a-z])-(0|[1-9][0-9]{0,17}))"'
    + rf';tag="{TAG}")',
    re.ASCII,
)
_SIGNATURE: Final = re.compile(r"sig1=:([A-Za-z0-9+/]{86}==):", re.ASCII)
# A machine that registered with an RSA key joins with it: 2,048, 3,072 or 4,096 bits.
_JOIN_SIGNATURE: Final = re.compile(
    r"sig1=:([A-Za-z0-9+/]{86}==|[A-Za-z0-9+/]{342}==|[A-Za-z0-9+/]{512}|[A-Za-z0-9+/]{683}=):", re.ASCII
)
_INSTALLATION: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_PATH: Final = re.compile(r"/agent/v1/[a-z]{1,32}", re.ASCII)


class Signing(Protocol):
    """A private key: one of a node or a join token (Ed25519), or one that a machine registered with."""

    def sign(self, data: bytes, /) -> bytes: ...


class Verifying(Protocol):
    """The public half. Raises InvalidSignature."""

    def verify(self, signature: bytes, data: bytes, /) -> None: ...


class BadRequestShape(ValueError):
    """The request is not in the one shape, or its body is not the signed one. The text is for the audit log only."""


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """What a request says of itself; true only after `verify()`.

    `created` is in seconds since the epoch. `nonce` is the text of the counters, `<epoch>-<lane>-<sequence>`.
    """

    key_id: str
    installation: str
    created: int
    epoch: int
    lane: str
    sequence: int
    nonce: str
    base: bytes
    signature: bytes


def sign_request(
    *,
    path: str,
    body: bytes,
    installation: str,
    key_id: str,
    key: Signing,
    epoch: int,
    lane: str,
    sequence: int,
    now: float,
) -> dict[str, str]:
    """The headers (names in lower case) that make a POST of `body` to `path` a signed request."""
    content_digest = _content_digest(hashlib.sha256(body).digest())
    parameters = f'{_COMPONENTS};created={int(now)};keyid="{key_id}";nonce="{epoch}-{lane}-{sequence}";tag="{TAG}"'
    base = _base(path, content_digest, installation, parameters)
    signature = base64.b64encode(key.sign(base)).decode("ascii")
    return {
        "content-type": CONTENT_TYPE,
        "content-digest": content_digest,
        "toque-installation": installation,
        "signature-input": f"sig1={parameters}",
        "signature": f"sig1=:{signature}:",
    }


def parse_request(method: str, path: str, headers: Mapping[str, str], body_digest: bytes) -> ParsedRequest:
    """Read a request's headers; the signature itself is not judged here, `verify()` does that.

    `headers` maps names in lower case to values; a doubled header must arrive joined by a comma, as WSGI does it, and
    is refused by its shape. `body_digest` is the SHA-256 of the body as received. Raises BadRequestShape.
    """
    if method != "POST":
        raise BadRequestShape("only POST is signed")
    if _PATH.fullmatch(path) is None:
        raise BadRequestShape("this path is none of the agents'")
    try:
        content_type, content_digest, installation, signed, signature = [headers[name] for name in HEADERS]
    except KeyError as missing:
        raise BadRequestShape(f"there is no header {missing.args[0]}") from None
    if content_type != CONTENT_TYPE:
        raise BadRequestShape(f"content-type must be {CONTENT_TYPE}")
    if _INSTALLATION.fullmatch(installation) is None:
        raise BadRequestShape("toque-installation has not the shape of an id")
    parts = _INPUT.fullmatch(signed)
    if parts is None:
        raise BadRequestShape("signature-input has not the one shape")
    seal = (_JOIN_SIGNATURE if path == ENROL_PATH else _SIGNATURE).fullmatch(signature)
    if seal is None:
        raise BadRequestShape("signature has not the one shape")
    if content_digest != _content_digest(body_digest):
        raise BadRequestShape("content-digest is not that of the body")
    parameters, created, key_id, nonce, epoch, lane, sequence = parts.groups()
    if lane != (ENROL_LANE if path == ENROL_PATH else LANE_OF.get(path)):
        raise BadRequestShape(f"lane {lane} is not that of {path}")
    return ParsedRequest(
        key_id,
        installation,
        int(created),
        int(epoch),
        lane,
        int(sequence),
        nonce,
        _base(path, content_digest, installation, parameters),
        base64.b64decode(seal[1]),
    )


def verify(parsed: ParsedRequest, public: Verifying) -> None:
    """Raise BadSignature unless the holder of this key signed the request."""
    try:
        public.verify(parsed.signature, parsed.base)
    except InvalidSignature as wrong:
        raise BadSignature(f"the request is not signed by {parsed.key_id}") from wrong


def _content_digest(sha256: bytes) -> str:
    return f"sha-256=:{base64.b64encode(sha256).decode('ascii')}:"


def _base(path: str, content_digest: str, installation: str, parameters: str) -> bytes:
    return (
        f'"@method": POST\n"@path": {path}\n"content-type": {CONTENT_TYPE}\n"content-digest": {content_digest}\n'
        f'"toque-installation": {installation}\n"@signature-params": {parameters}'
    ).encode("ascii")
