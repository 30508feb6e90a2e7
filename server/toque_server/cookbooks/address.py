"""Which addresses the server may fetch from (S19): public ones, unless the installation allows others (D18)."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

_SCHEMES = {"https": 443, "ssh": 22, "git+ssh": 22}
_INSECURE_SCHEMES = {"http": 80, "git": 9418}


class FetchRefused(Exception):
    """A source that this server does not fetch from, or could not; the message goes into the command's log."""


def is_public(address: str) -> bool:
    """True for an address on the open internet. IPv4 inside IPv6 counts as what it is.

    >>> is_public("::ffff:169.254.169.254")
    False
    """
    parsed = ipaddress.ip_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is None and parsed in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return parsed.is_global and not parsed.is_multicast


def resolve(host: str, port: int, *, allow_private: bool) -> str:
    """The one address to connect to. Resolved once, so that a name cannot mean something else the second time.

    A name with several addresses must not have a single private one. Raises FetchRefused.
    """
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchRefused(f"{host} cannot be resolved: {error}") from None
    addresses = [str(answer[4][0]) for answer in answers]
    if not allow_private and (private := [address for address in addresses if not is_public(address)]):
        raise FetchRefused(
            f"{host} is {private[0]}, which is not a public address; the operator can allow such sources with "
            "allow_insecure_sources = true in server.toml"
        )
    return addresses[0]


def split(url: str, *, allow_insecure: bool) -> tuple[str, str, int]:
    """Scheme, host and port of a URL to fetch from. Raises FetchRefused, without repeating credentials."""
    if any(ord(character) <= 0x20 or ord(character) == 0x7F for character in url):
        raise FetchRefused("the source's URL has blanks or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise FetchRefused(f"the source's URL is none: {error}") from None
    known = _SCHEMES | (_INSECURE_SCHEMES if allow_insecure else {})
    if parts.scheme not in known:
        raise FetchRefused(
            f"the source's URL is {parts.scheme or 'without a scheme'}: this installation fetches over "
            f"{', '.join(sorted(known))}"
        )
    if not parts.hostname or parts.hostname.startswith("-"):
        raise FetchRefused("the source's URL names no host")
    return parts.scheme, parts.hostname, port or known[parts.scheme]
