"""AWS Signature Version 4, checked by strict lines of our own (S17); cross-tested against botocore.

What is accepted is one shape: the header form, the service that is asked (`opsworks`, or `iam`), any region, `host`,
`x-amz-date` and, for `opsworks`, `x-amz-target` among the signed headers, no query, no header twice, five minutes of
clock difference at most.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

OPSWORKS = "opsworks"
IAM = "iam"
SKEW = timedelta(minutes=5)
MUST_SIGN = {
    OPSWORKS: frozenset({"host", "x-amz-date", "x-amz-target"}),
    IAM: frozenset({"content-type", "host", "x-amz-date"}),
}
"""Headers that a signature must cover, by service: those that say what is asked, of whom and when."""

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=(?P<key>[A-Za-z0-9]{1,32})/(?P<date>\d{8})/(?P<region>[A-Za-z0-9-]{1,64})"
    r"/(?P<service>[a-z0-9-]{1,32})/aws4_request, *"
    r"SignedHeaders=(?P<headers>[a-z0-9-]+(?:;[a-z0-9-]+)*), *Signature=(?P<signature>[0-9a-f]{64})"
)


class BadSignatureV4(Exception):
    """The request does not prove who sent it. `code` is what AWS clients know it by."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True)
class Claim:
    """What the headers say, checked as far as can be without the body. No body is read before its key is known."""

    access_key_id: str
    scope: str
    signature: str
    timestamp: str
    canonical_head: str
    content_hash: str | None

    def string_to_sign(self, body: bytes) -> str:
        """Raises BadSignatureV4 when the body is not the one that the headers announce."""
        body_hash = hashlib.sha256(body).hexdigest()
        if self.content_hash not in (None, body_hash):
            raise BadSignatureV4("InvalidSignatureException", "The body does not match x-amz-content-sha256")
        digest = hashlib.sha256(f"{self.canonical_head}\n{body_hash}".encode()).hexdigest()
        return "\n".join(["AWS4-HMAC-SHA256", self.timestamp, self.scope, digest])


def parse(
    *,
    method: str,
    path: str,
    query: str,
    headers: Iterable[tuple[str, str]],
    now: datetime,
    service: str = OPSWORKS,
) -> Claim:
    """Take a request's headers apart. Raises BadSignatureV4 for every shape but the one."""
    found = _once(headers)
    if "authorization" not in found:
        raise BadSignatureV4("MissingAuthenticationTokenException", "Missing Authentication Token")
    parts = _AUTHORIZATION.fullmatch(found["authorization"].strip())
    if parts is None:
        raise _incomplete("the Authorization header is not of the form of AWS Signature Version 4")
    if query or path != "/":
        raise _incomplete("a signed request goes to / and has no query")
    signed = parts["headers"].split(";")
    if signed != sorted(set(signed)) or not set(signed) >= MUST_SIGN[service]:
        raise _incomplete(f"SignedHeaders must be in order and contain {', '.join(sorted(MUST_SIGN[service]))}")
    if missing := [name for name in signed if name not in found]:
        raise _incomplete(f"these headers are signed and were not sent: {', '.join(missing)}")
    if parts["service"] != service:
        raise BadSignatureV4("InvalidSignatureException", f"Credential should be scoped to correct service: {service}")
    _check_date(found["x-amz-date"], parts["date"], now)
    lines = "".join(f"{name}:{' '.join(found[name].split())}\n" for name in signed)
    return Claim(
        access_key_id=parts["key"],
        scope=f"{parts['date']}/{parts['region']}/{service}/aws4_request",
        signature=parts["signature"],
        timestamp=found["x-amz-date"],
        canonical_head="\n".join([method, "/", "", lines, parts["headers"]]),
        content_hash=found.get("x-amz-content-sha256"),
    )


def unknown_key() -> BadSignatureV4:
    """What to raise when nobody has this access key."""
    return BadSignatureV4("UnrecognizedClientException", "The security token included in the request is invalid.")


def verify(claim: Claim, body: bytes, secret: str) -> None:
    """Raises BadSignatureV4."""
    key = f"AWS4{secret}".encode()
    for step in claim.scope.split("/"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    expected = hmac.new(key, claim.string_to_sign(body).encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, claim.signature):
        raise BadSignatureV4(
            "InvalidSignatureException",
            "The request signature we calculated does not match the signature you provided. "
            "Check your secret access key and signing method.",
        )


def _once(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers by lower-case name. Raises when one that counts came twice, whoever joined the two with a comma."""
    found: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        if lower in found:
            raise _incomplete(f"the header {lower} came twice")
        found[lower] = value
    for name in (*MUST_SIGN[OPSWORKS], "content-type", "x-amz-content-sha256"):
        if "," in found.get(name, ""):
            raise _incomplete(f"the header {name} came twice")
    return found


def _check_date(text: str, scope_date: str, now: datetime) -> None:
    try:
        sent = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _incomplete(f"X-Amz-Date {text[:32]!r} is not of the form 20300101T000000Z") from None
    if text[:8] != scope_date:
        raise BadSignatureV4("InvalidSignatureException", "Date in Credential scope does not match that of X-Amz-Date")
    if abs(now - sent) > SKEW:
        raise BadSignatureV4(
            "InvalidSignatureException",
            f"Signature expired: {text} is more than {int(SKEW.total_seconds() // 60)} minutes from the server's time "
            f"{now:%Y%m%dT%H%M%SZ}: set this machine's clock",
        )


def _incomplete(message: str) -> BadSignatureV4:
    return BadSignatureV4("IncompleteSignatureException", message)
