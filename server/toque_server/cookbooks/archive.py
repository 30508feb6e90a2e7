"""A cookbook source that is an archive behind a URL or in S3: downloaded and unpacked within limits (S19, S21)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

import urllib3

from toque.cookbook.archive import BadArchive, unpack
from toque_server.cookbooks.address import FetchRefused, resolve, split
from toque_server.domain.world import SourceOf

LARGEST = 512 * 1024 * 1024
"""Longest download in bytes."""

TIME = 600.0
"""Longest download in seconds."""

_REDIRECTS = 5
_S3_HOST = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:[.-](?:dualstack\.)?(?P<region>[a-z]{2}-[a-z-]+-\d))?\.amazonaws\.com"
)


def fetch(source: SourceOf, into: Path, *, allow_insecure: bool) -> str:
    """Unpack the archive into the empty folder `into`; answers with its SHA-256. Raises FetchRefused."""
    if not source.url:
        raise FetchRefused("the source has no URL")
    with tempfile.NamedTemporaryFile() as file:
        digest = _download(source, file, allow_insecure=allow_insecure)
        file.flush()
        into.rmdir()
        try:
            unpack(Path(file.name), into, name="the archive")
        except BadArchive as refused:
            raise FetchRefused(str(refused)) from refused
    return digest


def _download(source: SourceOf, file: object, *, allow_insecure: bool) -> str:
    url, deadline = source.url or "", time.monotonic() + TIME
    origin = split(url, allow_insecure=allow_insecure)
    for _ in range(_REDIRECTS + 1):
        place = split(url, allow_insecure=allow_insecure)
        # Credentials stay with the host that they are for.
        headers = _credentials(source, url) if place == origin else {}
        response = _get(url, place, headers, allow_insecure=allow_insecure)
        try:
            if response.status in (301, 302, 303, 307, 308):
                url = urljoin(url, response.headers.get("Location", ""))
                continue
            if response.status != 200:
                raise FetchRefused(f"{place[1]} answered {response.status} {response.reason or ''}".strip())
            return _copy(response, file, deadline)
        except urllib3.exceptions.HTTPError as error:
            raise FetchRefused(f"the download from {place[1]} broke off: {error}") from None
        finally:
            response.close()
    raise FetchRefused(f"more than {_REDIRECTS} redirects")


def _get(
    url: str, place: tuple[str, str, int], headers: dict[str, str], *, allow_insecure: bool
) -> urllib3.BaseHTTPResponse:
    """A GET to the one address that the name meant when it was checked."""
    scheme, host, port = place
    if scheme not in ("https", "http"):
        raise FetchRefused(f"an archive is fetched over https, not {scheme}")
    address = resolve(host, port, allow_private=allow_insecure)
    timeout = urllib3.Timeout(connect=10, read=60)
    pool: urllib3.HTTPConnectionPool
    if scheme == "https":
        pool = urllib3.HTTPSConnectionPool(
            address, port, timeout=timeout, server_hostname=host, assert_hostname=host, cert_reqs="CERT_REQUIRED"
        )
    else:
        pool = urllib3.HTTPConnectionPool(address, port, timeout=timeout)
    parts = urlsplit(url)
    path = parts.path or "/"
    name = host if port in (80, 443) else f"{host}:{port}"
    try:
        return pool.urlopen(
            "GET",
            f"{path}?{parts.query}" if parts.query else path,
            headers={"Host": name, **headers},
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
        )
    except urllib3.exceptions.HTTPError as error:
        raise FetchRefused(f"{host} cannot be reached: {error}") from None


def _copy(response: urllib3.BaseHTTPResponse, file: object, deadline: float) -> str:
    seen, size = hashlib.sha256(), 0
    for piece in response.stream(256 * 1024, decode_content=False):
        size += len(piece)
        if size > LARGEST:
            raise FetchRefused(f"the archive is longer than {LARGEST} bytes")
        if time.monotonic() > deadline:
            raise FetchRefused(f"the download took longer than {TIME:.0f} s")
        seen.update(piece)
        file.write(piece)  # type: ignore[attr-defined]
    return seen.hexdigest()


def _credentials(source: SourceOf, url: str) -> dict[str, str]:
    if not source.username or source.password is None:
        return {}
    if source.type == "s3":
        return s3_headers(url, source.username, source.password, datetime.now(UTC))
    both = f"{source.username}:{source.password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(both).decode('ascii')}"}


def s3_headers(url: str, access_key_id: str, secret: str, now: datetime) -> dict[str, str]:
    """The headers that sign a GET of an object, by AWS Signature Version 4. A host that is not S3's is us-east-1."""
    parts = urlsplit(url)
    known = _S3_HOST.fullmatch(parts.hostname or "")
    region = (known["region"] if known else None) or "us-east-1"
    host = parts.netloc.rpartition("@")[2]
    day, at = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
    empty = hashlib.sha256(b"").hexdigest()
    signed = "host;x-amz-content-sha256;x-amz-date"
    request = "\n".join(
        (
            "GET", quote(unquote(parts.path or "/"), safe="/~-._"), parts.query,
            f"host:{host}", f"x-amz-content-sha256:{empty}", f"x-amz-date:{at}", "", signed, empty,
        )
    )  # fmt: skip
    scope = f"{day}/{region}/s3/aws4_request"
    text = "\n".join(("AWS4-HMAC-SHA256", at, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{secret}".encode()
    for step in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return {
        "x-amz-content-sha256": empty,
        "x-amz-date": at,
        "Authorization": (
            f"AWS4-HMAC-SHA256 Credential={access_key_id}/{scope}, SignedHeaders={signed}, Signature={signature}"
        ),
    }
