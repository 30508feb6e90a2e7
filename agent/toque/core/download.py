"""Fetching a file over https, without trusting where a name or a redirect leads.

    got = download("https://example.org/app.tar.gz", Path("/var/tmp/app"), Rules(sha256="…"))

A name is looked up once, judged, and the connection goes to that very address; each redirect is judged again.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urljoin

from toque.core.errors import ToqueError
from toque.core.urls import BadUrl, Url, parse_url, refuse_address, without_password

if TYPE_CHECKING:
    import urllib3

_PIECE = 1 << 18
_REDIRECTS = 5
_MOVED = {301, 302, 303, 307, 308}
_NOT_MODIFIED = 304
_CONNECT, _SILENCE = 30.0, 60.0


class DownloadFailed(ToqueError):
    """A file could not be fetched; the text says from where and why, without secrets."""

    def __init__(self, url: str, why: str) -> None:
        self.url, self.why = without_password(url), why
        super().__init__(f"{self.url} cannot be fetched: {why}")


@dataclass(frozen=True)
class Rules:
    """What may be fetched and at what cost: `size_limit` in bytes, `timeout` in seconds for the whole.

    With `sha256`, which proves the content, http and files of this machine are as good as https.
    """

    sha256: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    username: str | None = None
    password: str | None = None
    allow_insecure: bool = False
    size_limit: int = 512 << 20
    timeout: float = 600.0
    ca_file: str | None = None


@dataclass(frozen=True)
class Fetched:
    """What came: its digest and the marks by which a server knows it again. `same` when it had not changed."""

    sha256: str = ""
    etag: str = ""
    modified: str = ""
    same: bool = False


def check_source(url: str, rules: Rules) -> Url:
    """Refuse a URL that would not be fetched, before anything is tried. Raises BadUrl."""
    if rules.sha256 is not None:
        # The content is proven; only where it comes from may still be off limits.
        return parse_url(url, ("https", "http", "file"), allow_insecure=rules.allow_insecure)
    return parse_url(url, ("https",), insecure=("http", "file"), allow_insecure=rules.allow_insecure)


def download(url: str, into: IO[bytes] | None, rules: Rules, *, known: Fetched | None = None) -> Fetched:
    """Fetch into an open file (or only look, with None). With `known`, a server may answer that nothing has changed.

    Raises DownloadFailed; then what was written is of no use.
    """
    try:
        checked = check_source(url, rules)
        if checked.scheme == "file":
            return _copy(checked, into, rules)
        deadline = time.monotonic() + rules.timeout
        with _answer(checked, rules, known, deadline) as answer:
            if answer.status == _NOT_MODIFIED and known is not None:
                return replace(known, same=True)
            if answer.status != 200:
                raise DownloadFailed(url, f"the server answers {answer.status} {answer.reason or ''}".rstrip())
            if int(answer.headers.get("Content-Length") or 0) > rules.size_limit:
                raise DownloadFailed(url, f"it is larger than {rules.size_limit >> 20} MiB")
            digest = _write(url, answer.stream(_PIECE), into, rules, deadline)
            return Fetched(digest, answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", ""))
    except BadUrl as refused:
        raise DownloadFailed(url, refused.why if refused.url == without_password(url) else str(refused)) from refused


def _copy(url: Url, into: IO[bytes] | None, rules: Rules) -> Fetched:
    from urllib.parse import unquote

    path = unquote(url.path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as source:
            pieces = iter(lambda: source.read(_PIECE), b"")
            return Fetched(_write(url.text, pieces, into, rules, time.monotonic() + rules.timeout))
    except OSError as error:
        raise DownloadFailed(url.text, error.strerror or str(error)) from error


def _write(url: str, pieces: Iterator[bytes], into: IO[bytes] | None, rules: Rules, deadline: float) -> str:
    import urllib3

    digest, size = hashlib.sha256(), 0
    try:
        for piece in pieces:
            size += len(piece)
            if size > rules.size_limit:
                raise DownloadFailed(url, f"it is larger than {rules.size_limit >> 20} MiB")
            if time.monotonic() > deadline:
                raise DownloadFailed(url, f"it took longer than {rules.timeout:g} s")
            digest.update(piece)
            if into is not None:
                into.write(piece)
    except urllib3.exceptions.HTTPError as error:
        raise DownloadFailed(url, f"it was cut off ({error})") from error
    found = digest.hexdigest()
    if rules.sha256 is not None and found != rules.sha256.lower():
        raise DownloadFailed(url, f"its sha256 is {found}, not {rules.sha256}")
    return found


@contextmanager
def _answer(url: Url, rules: Rules, known: Fetched | None, deadline: float) -> Iterator[urllib3.BaseHTTPResponse]:
    """The answer to a GET, redirects followed."""
    import urllib3

    headers = _headers(url, rules, known)
    for _ in range(_REDIRECTS + 1):
        try:
            pool, host = _pool(url, rules)
            with pool:
                answer = pool.urlopen(
                    "GET",
                    url.path,
                    headers={**headers, "Host": host},
                    redirect=False,
                    retries=False,
                    preload_content=False,
                    decode_content=False,
                )
                with answer:
                    if answer.status not in _MOVED or "Location" not in answer.headers:
                        yield answer
                        return
                    target = check_source(urljoin(url.text, answer.headers["Location"].partition("#")[0]), rules)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DownloadFailed(url.text, _reason(error)) from error
        if target.scheme == "file" or (url.scheme == "https" and target.scheme != "https"):
            raise DownloadFailed(url.text, f"it redirects to {target.scheme}")
        if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
            headers = _headers(target, Rules(), None)  # what opens one host is not for another
        if time.monotonic() > deadline:
            raise DownloadFailed(url.text, f"it took longer than {rules.timeout:g} s")
        url = target
    raise DownloadFailed(url.text, f"it redirects more than {_REDIRECTS} times")


def _headers(url: Url, rules: Rules, known: Fetched | None) -> dict[str, str]:
    import urllib3

    headers = {"User-Agent": "toque", "Accept": "*/*", "Accept-Encoding": "identity", **rules.headers}
    if rules.password is not None:
        pair = f"{rules.username or url.user or ''}:{rules.password}"
        headers.update(urllib3.make_headers(basic_auth=pair))
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    elif known is not None and known.modified:
        headers["If-Modified-Since"] = known.modified
    return headers


def _pool(url: Url, rules: Rules) -> tuple[urllib3.HTTPConnectionPool, str]:
    """A connection to the address that was judged, and the host name to ask for."""
    import ssl

    import urllib3

    timeout = urllib3.Timeout(connect=min(_CONNECT, rules.timeout), read=min(_SILENCE, rules.timeout))
    port = url.port or (443 if url.scheme == "https" else 80)
    bracketed = f"[{url.host}]" if ":" in url.host else url.host
    host = f"{bracketed}:{url.port}" if url.port else bracketed
    if (proxy := _proxy(url)) is not None:
        return urllib3.ProxyManager(proxy, timeout=timeout, ca_certs=rules.ca_file).connection_from_host(
            url.host, port, url.scheme
        ), host
    address = _address(url, port, rules)
    if url.scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout), host
    context = ssl.create_default_context(cafile=rules.ca_file)
    name = url.host.rstrip(".")
    return urllib3.HTTPSConnectionPool(
        address, port, timeout=timeout, ssl_context=context, server_hostname=name, assert_hostname=name
    ), host


def _address(url: Url, port: int, rules: Rules) -> str:
    found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if not rules.allow_insecure:
        for address in addresses:
            refuse_address(url.text, address)
    return addresses[0]


def _proxy(url: Url) -> str | None:
    """Through a proxy the proxy looks names up, and decides."""
    from urllib.request import getproxies, proxy_bypass

    proxy = getproxies().get(url.scheme)
    return None if proxy is None or proxy_bypass(url.host) else proxy


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error.__cause__ or error
    return f"{getattr(cause, 'strerror', None) or cause}"


@contextmanager
def beside(path: Path) -> Iterator[tuple[IO[bytes], str]]:
    """A new private file next to where it shall stand, and its name; removed if it is still there afterwards."""
    name = str(path.with_name(f".{path.name[:200]}.toque-{os.getpid()}"))
    Path(name).unlink(missing_ok=True)
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file, name
    finally:
        Path(name).unlink(missing_ok=True)
