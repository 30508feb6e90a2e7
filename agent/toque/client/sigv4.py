"""Signing a request to the server with an access key, as AWS clients do (Signature Version 4)."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

_SERVICE = "opsworks"


def sign(
    *, host: str, target: str, body: bytes, access_key_id: str, secret: str, region: str = "local", now: datetime
) -> dict[str, str]:
    """The headers of a `POST /` of AWS JSON 1.1, signature included. `host` is as the Host header will have it."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/{_SERVICE}/aws4_request"
    signed = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-date": stamp,
        "x-amz-target": target,
    }
    names = ";".join(signed)
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    canonical = "\n".join(("POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(("AWS4-HMAC-SHA256", stamp, scope, digest))
    key = b"AWS4" + secret.encode()
    for part in (stamp[:8], region, _SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"Credential={access_key_id}/{scope}"
    authorization = f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={names}, Signature={signature}"
    return signed | {"authorization": authorization}
