"""Fetching a file over https, without trusting where a name or a redirect leads.

    got = download("https://example.org/app.tar.gz", Path("/var/tmp/app"), Rules(sha256="…"))

A name is looked up once, judged, and the connection goes to that very address; each redirect is judged again.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urljoin

from toque.core.errors import BadProperty, ToqueError
from toque.core.urls import BadUrl, Url, parse_url, refuse_address, without_password

if TYPE_CHECKING:
    import ssl

    import urllib3

_PIECE = 1 << 18
_REDIRECTS = 5
_MOVED = {301, 302, 303, 307, 308}
_NOT_MODIFIED = 304
_CONNECT, _SILENCE = 30.0, 60.0
_PROXY = re.compile(r"https?://([^/@\s]+@)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+)(:[0-9]{1,5})?/?")
_PARTIAL = 206
_RESUMED = 5
"""How often a download that is cut off is taken up where it ended."""


class DownloadFailed(ToqueError):
    """A file could not be fetched; the text says from where and why, without secrets."""

    def __init__(self, url: str, why: str) -> None:
        self.url, self.why = without_password(url), why
        super().__init__(f"{self.url} cannot be fetched: {why}")


@dataclass(frozen=True)
class Rules:
    """What may be fetched and at what cost: `size_limit` in bytes, `timeout` in seconds for the whole.

    With `sha256`, which proves the content, http and files of this machine are as good as https. `proxy` is a URL,
    empty for none, None for that of the environment. `cert_file` and `key_file` are what we show of ourselves.
    """

    sha256: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    username: str | None = None
    password: str | None = None
    allow_insecure: bool = False
    size_limit: int = 512 << 20
    timeout: float = 600.0
    ca_file: str | None = None
    proxy: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(frozen=True)
class Fetched:
    """What came: its digest and the marks by which a server knows it again. `same` when it had not changed."""

    sha256: str = ""
    etag: str = ""
    modified: str = ""
    same: bool = False


def check_proxy(word: str, proxy: str | None) -> None:
    """Refuse what is no proxy, without showing the password that may be in it."""
    if proxy and _PROXY.fullmatch(proxy) is None:
        raise BadProperty(f"{word} proxy must be such as http://proxy.example.org:3128, or empty for none")


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
        return _Download(url, checked, into, rules).run(known)
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
    content = _Content(url, into, rules, deadline)
    content.take(pieces)
    return content.digest()


class _Content:
    """What has come so far."""

    def __init__(self, url: str, into: IO[bytes] | None, rules: Rules, deadline: float) -> None:
        self._url, self._into, self._rules, self._deadline = url, into, rules, deadline
        self._digest, self.size = hashlib.sha256(), 0

    def take(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            self.size += len(piece)
            if self.size > self._rules.size_limit:
                raise DownloadFailed(self._url, f"it is larger than {self._rules.size_limit >> 20} MiB")
            if time.monotonic() > self._deadline:
                raise DownloadFailed(self._url, f"it took longer than {self._rules.timeout:g} s")
            self._digest.update(piece)
            if self._into is not None:
                self._into.write(piece)

    def begin_again(self) -> None:
        self._digest, self.size = hashlib.sha256(), 0
        if self._into is not None:
            self._into.seek(0)
            self._into.truncate()

    def digest(self) -> str:
        """Of the whole; raises DownloadFailed where it is not the one that was promised."""
        found = self._digest.hexdigest()
        if self._rules.sha256 is not None and found != self._rules.sha256.lower():
            raise DownloadFailed(self._url, f"its sha256 is {found}, not {self._rules.sha256}")
        return found


class _Download:
    """One file over http: when the connection is cut, only the rest is asked for, of the same version of the file."""

    def __init__(self, text: str, url: Url, into: IO[bytes] | None, rules: Rules) -> None:
        self._text, self._url, self._rules = text, url, rules
        self._deadline = time.monotonic() + rules.timeout
        self._content = _Content(text, into, rules, self._deadline)
        self._mark = ""

    def run(self, known: Fetched | None) -> Fetched:
        import urllib3

        for left in range(_RESUMED, -1, -1):
            before = self._content.size
            try:
                return self._once(known)
            except urllib3.exceptions.HTTPError as cut:
                if left == 0 or not self._mark or self._content.size == before:
                    raise DownloadFailed(self._text, f"it was cut off ({cut})") from cut
        raise AssertionError("the last try returns or raises")

    def _once(self, known: Fetched | None) -> Fetched:
        with _answer(self._url, self._rules, self._conditions(known), self._deadline) as answer:
            if answer.status == _NOT_MODIFIED and known is not None:
                return replace(known, same=True)
            goes_on = answer.status == _PARTIAL and self._begins_where_we_are(answer.headers.get("Content-Range", ""))
            if answer.status != 200 and not goes_on:
                raise DownloadFailed(self._text, f"the server answers {answer.status} {answer.reason or ''}".rstrip())
            if not goes_on and self._content.size:
                self._content.begin_again()
            if self._content.size + int(answer.headers.get("Content-Length") or 0) > self._rules.size_limit:
                raise DownloadFailed(self._text, f"it is larger than {self._rules.size_limit >> 20} MiB")
            etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
            self._mark = etag if etag and not etag.startswith("W/") else modified
            self._content.take(answer.stream(_PIECE))
            return Fetched(self._content.digest(), etag, modified)

    def _conditions(self, known: Fetched | None) -> dict[str, str]:
        if self._content.size:
            return {"Range": f"bytes={self._content.size}-", "If-Range": self._mark}
        if known is not None and known.etag:
            return {"If-None-Match": known.etag}
        return {"If-Modified-Since": known.modified} if known is not None and known.modified else {}

    def _begins_where_we_are(self, content_range: str) -> bool:
        return self._content.size > 0 and content_range.startswith(f"bytes {self._content.size}-")


@contextmanager
def _answer(
    url: Url, rules: Rules, conditions: Mapping[str, str], deadline: float
) -> Iterator[urllib3.BaseHTTPResponse]:
    """The answer to a GET, redirects followed. What is wrong with its content is the caller's to say."""
    import urllib3

    headers = _headers(url, rules, conditions)
    for _ in range(_REDIRECTS + 1):
        try:
            pool, host = _pool(url, rules)
            answer = pool.urlopen(
                "GET",
                # A proxy is told the whole address, unless TLS goes through it unseen.
                url.text if url.scheme == "http" and _proxy(url, rules) else url.path,
                headers={**headers, "Host": host},
                assert_same_host=False,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise DownloadFailed(url.text, _reason(error)) from error
        with pool, answer:
            if answer.status not in _MOVED or "Location" not in answer.headers:
                yield answer
                return
            target = check_source(urljoin(url.text, answer.headers["Location"].partition("#")[0]), rules)
        if target.scheme == "file" or (url.scheme == "https" and target.scheme != "https"):
            raise DownloadFailed(url.text, f"it redirects to {target.scheme}")
        if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
            # What opens one host is not for another.
            rules = replace(rules, headers={}, username=None, password=None, cert_file=None, key_file=None)
            headers = _headers(target, rules, conditions if "Range" in conditions else {})
        if time.monotonic() > deadline:
            raise DownloadFailed(url.text, f"it took longer than {rules.timeout:g} s")
        url = target
    raise DownloadFailed(url.text, f"it redirects more than {_REDIRECTS} times")


def _headers(url: Url, rules: Rules, conditions: Mapping[str, str]) -> dict[str, str]:
    import urllib3

    headers = {"User-Agent": "toque", "Accept": "*/*", "Accept-Encoding": "identity", **rules.headers}
    if rules.password is not None:
        pair = f"{rules.username or url.user or ''}:{rules.password}"
        headers.update(urllib3.make_headers(basic_auth=pair))
    headers.update(conditions)
    return headers


def _pool(url: Url, rules: Rules) -> tuple[urllib3.HTTPConnectionPool, str]:
    """A connection to the address that was judged, and the host name to ask for."""
    import urllib3

    timeout = urllib3.Timeout(connect=min(_CONNECT, rules.timeout), read=min(_SILENCE, rules.timeout))
    port = url.port or (443 if url.scheme == "https" else 80)
    bracketed = f"[{url.host}]" if ":" in url.host else url.host
    host = f"{bracketed}:{url.port}" if url.port else bracketed
    if (proxy := _proxy(url, rules)) is not None:
        return _through(proxy, rules, timeout).connection_from_host(url.host, port, url.scheme), host
    address = _address(url, port, rules)
    if url.scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout), host
    name = url.host.rstrip(".")
    return urllib3.HTTPSConnectionPool(
        address, port, timeout=timeout, ssl_context=_tls(rules), server_hostname=name, assert_hostname=name
    ), host


def _through(proxy: str, rules: Rules, timeout: urllib3.Timeout) -> urllib3.ProxyManager:
    import urllib3

    user = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=user) if user else None
    return urllib3.ProxyManager(proxy, timeout=timeout, proxy_headers=headers, ssl_context=_tls(rules))


def _tls(rules: Rules) -> ssl.SSLContext:
    """Whom we trust, and what we show of ourselves."""
    import ssl

    context = ssl.create_default_context(cafile=rules.ca_file)
    if rules.cert_file is not None:
        context.load_cert_chain(rules.cert_file, rules.key_file)
    return context


def _address(url: Url, port: int, rules: Rules) -> str:
    found = socket.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [str(each[4][0]) for each in found]
    if not rules.allow_insecure:
        for address in addresses:
            refuse_address(url.text, address)
    return addresses[0]


def _proxy(url: Url, rules: Rules) -> str | None:
    """Through a proxy the proxy looks names up, and decides."""
    if rules.proxy is not None:
        return rules.proxy or None
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
