"""Where code comes from: the repository or archive of an app or of a stack's cookbooks (chapters 01 § 6.2, 05 § 2)."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from toque_server.domain.invalid import Invalid

FILTERED: Final = "*****FILTERED*****"
"""Stands for a secret in every answer; sent back, it keeps the stored secret (S-4)."""

TYPES: Final = ("git", "svn", "archive", "s3", "other")

_SCP_FORM: Final = re.compile(r"(?P<user>[A-Za-z0-9._-]+@)?(?P<host>[A-Za-z0-9.\[\]:-]+?):(?!//)(?P<path>.+)")
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f]")
_SECURE: Final = {
    "git": frozenset({"https", "ssh", "git+ssh"}),
    "svn": frozenset({"https", "svn+ssh"}),
    "archive": frozenset({"https"}),
    "s3": frozenset({"https"}),
}
_INSECURE: Final = {
    "git": frozenset({"http", "git", "file"}),
    "svn": frozenset({"http", "svn", "file"}),
    "archive": frozenset({"http", "file"}),
    "s3": frozenset({"http"}),
}
_LOCAL_NAMES: Final = ("localhost", "localhost.localdomain", "ip6-localhost")


class Source(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    """A source as it travels in requests and answers; `password` and `ssh_key` are stored sealed, by themselves."""

    type: str | None = None
    url: str | None = None
    username: str | None = None
    password: str | None = None
    ssh_key: str | None = None
    revision: str | None = None


class SourceSecrets(msgspec.Struct, frozen=True, omit_defaults=True):
    password: str | None = None
    ssh_key: str | None = None


def split(source: Source) -> tuple[Source, SourceSecrets]:
    """The part that may be shown, and the part that is sealed."""
    public = msgspec.structs.replace(source, password=None, ssh_key=None)
    return public, SourceSecrets(password=source.password, ssh_key=source.ssh_key)


def join(public: Source, secrets: SourceSecrets) -> Source:
    return msgspec.structs.replace(public, password=secrets.password, ssh_key=secrets.ssh_key)


def shown(public: Source, secrets: SourceSecrets) -> Source:
    """The source for an answer: each stored secret is `*****FILTERED*****`."""
    return msgspec.structs.replace(
        public,
        password=FILTERED if secrets.password else None,
        ssh_key=FILTERED if secrets.ssh_key else None,
    )


def merge(stored: Source, sent: Source) -> Source:
    """`sent` over `stored`, member by member; an absent or filtered member keeps what is stored (05 § 1.4).

    A changed `Type` drops the stored secrets that are not sent again: they were meant for another kind of place.
    """
    base = stored
    if sent.type is not None and stored.type is not None and sent.type != stored.type:
        keep_password = stored.password if sent.password == FILTERED else None
        keep_key = stored.ssh_key if sent.ssh_key == FILTERED else None
        base = Source(password=keep_password, ssh_key=keep_key)
    members = {
        name: getattr(sent, name)
        for name in Source.__struct_fields__
        if getattr(sent, name) is not None and getattr(sent, name) != FILTERED
    }
    return msgspec.structs.replace(base, **members)


def check(source: Source, *, member: str, allow_insecure: bool) -> None:
    """Raise Invalid for a source that no node could or should fetch.

    `allow_insecure` is the installation's setting (`init --allow-insecure-sources`): without it plain `http`, `git`
    and `file`, and loopback or private addresses, are refused (D18).
    """
    if source.type is not None and source.type not in TYPES:
        raise Invalid(f"{member}.Type {source.type!r} is unknown: please use one of {', '.join(TYPES)}")
    if source.ssh_key and "ENCRYPTED" in source.ssh_key:
        raise Invalid(f"{member}.SshKey is protected by a passphrase: please make a deploy key without one")
    if source.type in (None, "other"):
        return
    if not source.url:
        raise Invalid(f"{member}.Url is missing: a source of type {source.type} needs the address of its code")
    _check_url(source.type, source.url, member=f"{member}.Url", allow_insecure=allow_insecure)
    if source.revision is not None and (source.revision.startswith("-") or _CONTROL.search(source.revision)):
        raise Invalid(f"{member}.Revision {source.revision!r} is not the name of a branch, tag or commit")


def _check_url(type: str, url: str, *, member: str, allow_insecure: bool) -> None:
    if url.startswith("-") or "::" in url.partition("[")[0] or _CONTROL.search(url):
        raise Invalid(f"{member} {url!r} is not an address: it has a leading dash, '::', or blanks in it")
    if "://" not in url and type in ("git", "svn"):
        if (scp := _SCP_FORM.fullmatch(url)) is not None:
            _check_host(scp["host"], url, member=member, allow_insecure=allow_insecure)
            return
        if not (allow_insecure and url.startswith("/")):
            raise Invalid(f"{member} {url!r} is neither a URL (https://…) nor of the form user@host:project/repo")
        return
    parts = _split_url(url, member)
    if parts.scheme in _INSECURE[type] and not allow_insecure:
        raise Invalid(
            f"{member}: {parts.scheme}:// is not protected and this installation does not allow it; please use"
            f" {_names(_SECURE[type])}, or have the server initialised with --allow-insecure-sources"
        )
    if parts.scheme not in _SECURE[type] | _INSECURE[type]:
        raise Invalid(f"{member}: a source of type {type} cannot be fetched over {parts.scheme}://")
    if parts.scheme != "file":
        if not parts.hostname:
            raise Invalid(f"{member} {url!r} names no host")
        _check_host(parts.hostname, url, member=member, allow_insecure=allow_insecure)


def _split_url(url: str, member: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Invalid(f"{member} {url!r} is not a URL: {error}") from None
    return parts


def _check_host(host: str, url: str, *, member: str, allow_insecure: bool) -> None:
    if allow_insecure or not _is_private(host.strip("[]")):
        return
    raise Invalid(
        f"{member} {url!r} points to a loopback or private address, which this installation does not allow"
        " (it can be initialised with --allow-insecure-sources)"
    )


def _is_private(host: str) -> bool:
    if host.lower().rstrip(".") in _LOCAL_NAMES or host.lower().endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # 0x7f.1, 2130706433, 0177.0.0.1: spellings of addresses that only a resolver would take.
        return bool(re.fullmatch(r"(0[xX][0-9a-fA-F]+|[0-9]+)(\.(0[xX][0-9a-fA-F]+|[0-9]+)){0,3}", host))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return not (mapped or address).is_global


def _names(schemes: frozenset[str]) -> str:
    return " or ".join(f"{scheme}://" for scheme in sorted(schemes))
