"""Who sends this request: the checks of security.md 2.6, in their order, before anything of the body is read as JSON.

Whatever fails, the answer is the same; the reason goes to this server's log and counters only. The exception is a
clock that is off: that answer carries signed time and the request's own nonce, so only its sender can use it (S4).
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import msgspec

from toque.protocol import requests
from toque.protocol.canonical import canonical
from toque.protocol.messages import MAX_BODY, Refusal, SignedObject, SignedTime
from toque.protocol.requests import BadRequestShape, ParsedRequest
from toque.protocol.signed import BadSignature, sign
from toque_server.http.answers import Answer, Environ, Refused, of, too_large, unauthenticated
from toque_server.http.keyring import Keyring, Node
from toque_server.security.keys import ServerKeys

log = logging.getLogger(__name__)

_HEADERS = (
    ("content-type", "CONTENT_TYPE"),
    ("content-digest", "HTTP_CONTENT_DIGEST"),
    ("toque-installation", "HTTP_TOQUE_INSTALLATION"),
    ("signature-input", "HTTP_SIGNATURE_INPUT"),
    ("signature", "HTTP_SIGNATURE"),
)
_LONGEST_HEADER = 1024


@dataclass(slots=True)
class Request:
    """One accepted request. Its lane number is taken in the transaction of its effect; `taken` says that it was."""

    path: str
    node: Node
    parsed: ParsedRequest
    body: bytes
    now: float
    taken: bool = False


class Guard:
    """`clock` gives this machine's seconds since the epoch; a test gives its own."""

    def __init__(self, keyring: Keyring, keys: ServerKeys, *, clock: Any = time.time) -> None:
        self.refusals: Counter[str] = Counter()
        self._keyring = keyring
        self._keys = keys
        self._clock = clock

    def admit(self, path: str, environ: Environ) -> Request:
        """The request and who sent it. Raises Refused."""
        body = read_body(environ)
        parsed = self.parse(path, environ, body)
        if parsed.installation != self._keys.installation_id:
            raise unauthenticated("another installation's request")
        node = self._keyring.find(parsed.key_id)
        if node is None:
            raise unauthenticated("unknown key")
        now = self.now()
        self.check_clock(parsed, now)
        try:
            requests.verify(parsed, node.public)
        except BadSignature:
            raise unauthenticated("wrong signature") from None
        return Request(path, node, parsed, body, now)

    def now(self) -> float:
        """This machine's clock, in seconds since the epoch."""
        return float(self._clock())

    def parse(self, path: str, environ: Environ, body: bytes) -> ParsedRequest:
        """The request's shape, digest included. Raises Refused."""
        headers = {name: environ[key] for name, key in _HEADERS if key in environ}
        if any(len(value) > _LONGEST_HEADER for value in headers.values()):
            raise unauthenticated("header too long")
        try:
            return requests.parse_request(environ["REQUEST_METHOD"], path, headers, hashlib.sha256(body).digest())
        except BadRequestShape as wrong:
            raise unauthenticated(f"shape: {wrong}") from None

    def check_clock(self, parsed: ParsedRequest, now: float) -> None:
        if abs(now - parsed.created) > requests.CLOCK_TOLERANCE:
            raise Refused(self.clock_skew(parsed.nonce), "clock skew")

    def clock_skew(self, nonce: str) -> Answer:
        message = f"this request's time is more than {requests.CLOCK_TOLERANCE:.0f} s off; `time` is this server's"
        return of(Refusal("clock_skew", message, self.signed_time(nonce)), status="401 Unauthorized")

    def signed_time(self, nonce: str) -> SignedObject:
        """This server's clock, signed over the nonce of whoever asks."""
        payload = canonical(msgspec.to_builtins(SignedTime(self.now(), nonce)))
        return sign("time", payload, self._keys.online, self._keys.online_id)

    def note(self, refused: Refused) -> None:
        """Count a refusal, and say it in the log: a line per reason and power of two, so that a flood stays short."""
        self.refusals[refused.reason] += 1
        count = self.refusals[refused.reason]
        if count & (count - 1) == 0:
            log.info("an agent's request was refused (%d times): %s", count, refused.reason)


def read_body(environ: Environ) -> bytes:
    """The body, at most `MAX_BODY` bytes of it. Raises Refused."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise unauthenticated("content-length is no number") from None
    if length > MAX_BODY:
        raise too_large(MAX_BODY)
    if length <= 0:
        return b""
    body: bytes = environ["wsgi.input"].read(length)
    if len(body) != length:
        raise unauthenticated("the body ended early")
    return body
