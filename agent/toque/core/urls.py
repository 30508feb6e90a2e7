"""Which addresses a node may fetch from: the grammar of URLs, and the networks that are off limits.

Over https and ssh, from public addresses; anything else (http, git, files of this machine, loopback, private and
metadata addresses) only where `allow_insecure` says that the installation, or the recipe, wants it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from toque.core.errors import BadProperty, ToqueError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_UNSEEN = re.compile(rb"[\x00-\x20\x7f]")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?\.?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:(?P<user>[^/@]*)@)?(?P<host>\[[^]/]*\]|[^/:@]*)(?::(?P<port>[0-9]{1,5}))?(?P<path>/.*|)"
)
_SHORT = re.compile(r"(?P<user>[^/@:]+)@(?P<host>[^/@:]+):(?P<path>[^:].*)")
_CUT = set("\r\n\0")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NUMBERS = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)


def check_headers(word: str, headers: Mapping[Any, Any]) -> None:
    """Refuse what could be a second header of a request."""
    for name, value in headers.items():
        if not isinstance(name, str) or not _HEADER.fullmatch(name) or not isinstance(value, str) or _CUT & set(value):
            raise BadProperty(f"{word} headers must map names to one line of text; {name!r} does not")


class BadUrl(ToqueError):
    """An address that is not fetched from; the text says why, without any password in it."""

    def __init__(self, url: str, why: str) -> None:
        self.url, self.why = without_password(url), why
        super().__init__(f"{self.url!r} is refused: {why}")


@dataclass(frozen=True)
class Url:
    """A URL that has passed the grammar. `text` is the whole; of a file there is no host."""

    text: str
    scheme: str
    host: str
    port: int | None
    path: str
    user: str | None = None


def without_password(url: str) -> str:
    """A URL as it may be shown."""
    return re.sub(r"(://[^/@:\s]*):[^/@\s]*@", r"\1:***@", url)


def parse_url(
    url: str, schemes: tuple[str, ...], *, insecure: tuple[str, ...] = (), allow_insecure: bool = False
) -> Url:
    """Check a URL of a download. `insecure` are schemes that need `allow_insecure`. Raises BadUrl.

    Names are not looked up here; `refuse_address` judges what they lead to.
    """
    _refuse_unseen(url)
    match = _URL.fullmatch(url)
    if match is None:
        raise BadUrl(url, f"it is no URL such as {schemes[0]}://host/path")
    scheme = match["scheme"]
    _refuse_scheme(url, scheme, schemes, insecure, allow_insecure)
    found = Url(url, scheme, match["host"].strip("[]"), _port(url, match["port"]), match["path"] or "/", match["user"])
    if scheme == "file":
        if found.host or not found.path.startswith("/") or "?" in found.path:
            raise BadUrl(url, "a file is file:///path")
        return found
    _refuse_host(url, match["host"], allow_insecure)
    if found.user is not None and not _USER.fullmatch(found.user):
        why = (
            "the part before @ must be a user's name; give a password by password="
            if found.user
            else "it has an empty user"
        )
        raise BadUrl(url, why)
    return found


def parse_repository(url: str, *, allow_insecure: bool = False) -> Url:
    """Check the URL of a git repository: https, ssh or `user@host:path`; if allowed also http, git, file and /path."""
    _refuse_unseen(url)
    if "::" in url.partition("/")[0]:
        raise BadUrl(url, "remote helpers (`name::address`) are not used")
    if url.startswith("/") and not url.startswith("//"):
        _refuse_scheme(url, "file", ("https", "ssh"), ("file",), allow_insecure)
        return Url(url, "file", "", None, url)
    if "://" in url:
        return parse_url(url, ("https", "ssh"), insecure=("http", "git", "file"), allow_insecure=allow_insecure)
    match = _SHORT.fullmatch(url)
    if match is None or not _USER.fullmatch(match["user"]) or match["path"].startswith("-"):
        raise BadUrl(url, "it is no repository such as https://host/path or user@host:path")
    _refuse_host(url, match["host"], allow_insecure)
    return Url(url, "ssh", match["host"], None, match["path"], match["user"])


def refuse_address(url: str, address: str) -> None:
    """Refuse what is not on the public internet: loopback, link-local, private, multicast, metadata. Raises BadUrl."""
    number: Address = ipaddress.ip_address(address.partition("%")[0])
    for each in _meanings(number):
        if not each.is_global or each.is_multicast or each.is_reserved:
            raise BadUrl(url, f"it leads to {address}, which is not on the public internet ({_HINT})")


_HINT = "allowed only where the installation allows insecure sources, or the recipe says allow_insecure=True"


def _meanings(number: Address) -> list[Address]:
    """An address with those it carries inside: v4 in v6 in its several ways."""
    found: list[Address] = [number]
    if isinstance(number, ipaddress.IPv6Address):
        inner = [number.ipv4_mapped, number.sixtofour, *(number.teredo or ())]
        found += [each for each in inner if each is not None]
        if number in _NAT64:
            found.append(ipaddress.IPv4Address(int(number) & 0xFFFFFFFF))
        if int(number) >> 32 == 0 and int(number) > 1:
            found.append(ipaddress.IPv4Address(int(number)))
    return [each for each in found if each not in _NAT64] or found


def _refuse_unseen(url: str) -> None:
    raw = url.encode("utf-8", "surrogatepass")
    if not url or url.startswith("-") or len(raw) > 2048:
        raise BadUrl(url[:200], "it is empty, too long or begins with a hyphen")
    if _UNSEEN.search(raw) or _UNSEEN.search(unquote_to_bytes(url).replace(b" ", b"")):
        raise BadUrl(url, "it has spaces or characters that cannot be seen")
    if "\\" in url or not url.isascii():
        raise BadUrl(url, "it has a backslash or a letter beyond ASCII: write it percent-encoded")


def _refuse_scheme(url: str, scheme: str, schemes: tuple[str, ...], insecure: tuple[str, ...], allow: bool) -> None:
    if scheme in schemes or (scheme in insecure and allow):
        return
    if scheme in insecure:
        raise BadUrl(url, f"nothing proves what comes over {scheme} ({_HINT})")
    raise BadUrl(url, f"only {', '.join(schemes)} are fetched from")


def _refuse_host(url: str, host: str, allow_insecure: bool) -> None:
    if host.startswith("["):
        try:
            address = str(ipaddress.IPv6Address(host[1:-1].partition("%")[0]))
        except ValueError:
            raise BadUrl(url, f"{host} is no address") from None
    elif not _HOST.fullmatch(host) or ".." in host:
        raise BadUrl(url, f"{host!r} is no host name")
    elif _NUMBERS.fullmatch(host):
        try:
            address = str(ipaddress.IPv4Address(host))
        except ValueError:
            raise BadUrl(url, f"{host} is an address in an unusual spelling") from None
    elif host.rstrip(".").lower().rpartition(".")[2] == "localhost":
        address = "127.0.0.1"
    else:
        return
    if not allow_insecure:
        refuse_address(url, address)


def _port(url: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not 0 < int(text) < 65536:
        raise BadUrl(url, f"{text} is no port")
    return int(text)
