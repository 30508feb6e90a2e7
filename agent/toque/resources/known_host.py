"""known_host: the keys by which SSH recognises another machine."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import absolute, in_lines, lines_of
from toque.core.own_files import home_of, read_as, write_as
from toque.core.ssh_keys import PublicKey, fingerprint, parse

_ALL = "/etc/ssh/ssh_known_hosts"
_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")
_LINE = re.compile(r"(?P<hosts>[^@#\s]\S*)[ \t]+(?P<type>\S+)[ \t]+(?P<blob>AAAA[A-Za-z0-9+/]+=*)(?P<rest>.*)")


@dataclass(frozen=True)
class KnownHostState:
    fingerprints: tuple[str, ...] | None
    hashed: bool | None


@resource("known_host")
@dataclass(frozen=True)
class KnownHost(Resource[KnownHostState]):
    """Keep the keys by which ssh, git and rsync recognise a machine: these, and no others of that machine.

    host          its name or address, as it is called by whoever connects
    port          of its SSH service
    keys          its public keys, each one line such as "ssh-ed25519 AAAA…"
    fingerprints  instead of keys: "SHA256:…" of each, as its owner tells you; the keys are asked of the machine itself,
                  and taken only when they have these fingerprints
    hashed        True: the file does not show the name; False: it does; None: as they are (a new entry shows it)
    user          in this user's own known_hosts, with his rights
    path          in this file (absolute); without user and path it is the one for all users, /etc/ssh/ssh_known_hosts
    present       False takes the machine's keys out, whatever they are; lines for several machines keep the others

        github = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
        known_host("github.com", keys=[github])
        known_host("git.internal", port=2222, user="alice", hashed=True,
                   fingerprints=["SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"])
        known_host("old.internal", present=False)
    """

    host: str
    _: KW_ONLY
    port: int = 22
    keys: Sequence[str] = ()
    fingerprints: Sequence[str] = ()
    hashed: bool | None = None
    user: str | None = None
    path: str | None = None
    present: bool = True

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host):
            raise BadProperty(f"known_host host must be a name or an address, got {self.host!r}")
        if not 1 <= self.port <= 65535:
            raise BadProperty(f"known_host port must be 1 to 65535, got {self.port}")
        if self.user is not None and self.path is not None:
            raise BadProperty("known_host takes user or path, not both")
        if self.user is not None:
            check_name("known_host user:", self.user)
        if self.path is not None:
            absolute("known_host path:", self.path)
        if self.present and bool(self.keys) == bool(self.fingerprints):
            raise BadProperty("known_host needs keys or fingerprints, one of them")
        for text in self.fingerprints:
            if not _FINGERPRINT.fullmatch(text):
                raise BadProperty(f'known_host fingerprints must be "SHA256:…", as ssh-keygen -l says, got {text!r}')
        if len({key.blob for key in self._keys()}) != len(self.keys):
            raise BadProperty("known_host keys name the same key twice")
        for key in self._keys():
            if key.options:
                raise BadProperty(f"known_host keys take no options, got {key.options!r}")

    def identity(self) -> str:
        """The same machine may be known in several files, and at several ports."""
        return self._name() + (f" of {self.user}" if self.user else f" in {self.path}" if self.path else "")

    def desired(self) -> KnownHostState | None:
        if not self.present:
            return None
        wanted = {key.fingerprint for key in self._keys()} or set(self.fingerprints)
        return KnownHostState(tuple(sorted(wanted)), self.hashed)

    def current(self, host: Host) -> KnownHostState | None:
        ours = [found for line in self._lines(host) if (found := self._entry(line)) is not None]
        if not ours:
            return None
        hashed = {found["hosts"].startswith("|") for found in ours}
        wanted = hashed.pop() if len(hashed) == 1 else not self.hashed
        return KnownHostState(tuple(sorted(fingerprint(found["blob"]) for found in ours)), wanted)

    def apply(self, host: Host, change: Change[KnownHostState]) -> None:
        keys = self._keys() or (self._scanned(host) if self.present else [])
        lines = []
        for line in self._lines(host):
            found = self._entry(line)
            if found is None:
                lines.append(line)
            elif others := [name for name in found["hosts"].split(",") if not _names(name, self._name())]:
                lines.append(f"{','.join(others)} {found['type']} {found['blob']}{found['rest']}")
        hashed = self.hashed if self.hashed is not None else bool(change.was and change.was.hashed)
        lines += [f"{_hashed(self._name()) if hashed else self._name()} {key.type} {key.blob}" for key in keys]
        content = in_lines(lines)
        if self.user is not None:
            home_of(host, self.user)
            write_as(host, self.user, self._path(host) or "", content)
        else:
            host.write(self._path(host) or "", content)

    def _keys(self) -> list[PublicKey]:
        return [parse("known_host keys", key) for key in self.keys]

    def _name(self) -> str:
        """What the file calls it."""
        name = self.host.lower()
        return name if self.port == 22 else f"[{name}]:{self.port}"

    def _path(self, host: Host) -> str | None:
        if self.user is None:
            return self.path or _ALL
        home = host.home_of(self.user)
        return None if home is None else f"{home}/.ssh/known_hosts"

    def _lines(self, host: Host) -> list[str]:
        path = self._path(host)
        if path is None:
            return []
        data = host.read(path) if self.user is None else read_as(host, self.user, path)
        return lines_of(data)

    def _entry(self, line: str) -> re.Match[str] | None:
        """A line that gives a key to this machine by its name; patterns, markers and other machines are not ours."""
        found = _LINE.fullmatch(line.strip())
        return found if found is not None and _names(found["hosts"], self._name()) else None

    def _scanned(self, host: Host) -> list[PublicKey]:
        """The keys that the machine shows, if they have the fingerprints that we were told."""
        said = host.run(["ssh-keyscan", "-T", "10", "-p", str(self.port), "--", self.host], ok={0, 1}).out
        shown = [
            parse("the answer of ssh-keyscan", line.split(" ", 1)[1]) for line in said.splitlines() if line[:1] != "#"
        ]
        found = [key for key in shown if key.fingerprint in self.fingerprints]
        missing = set(self.fingerprints) - {key.fingerprint for key in found}
        if missing:
            there = ", ".join(f"{key.fingerprint} ({key.type})" for key in shown) or "nothing: does it answer?"
            raise ToqueError(
                f"{self.host} port {self.port} has no key with {', '.join(sorted(missing))}; it shows {there}. "
                "If it was not given a new key, somebody stands in between"
            )
        return found


def _names(hosts: str, name: str) -> bool:
    if not hosts.startswith("|1|"):
        return name in hosts.lower().split(",")
    try:
        _, _, salt, digest = hosts.split("|")
        return hmac.compare_digest(_digest(base64.b64decode(salt), name), base64.b64decode(digest))
    except ValueError:
        return False


def _hashed(name: str) -> str:
    salt = os.urandom(20)
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(_digest(salt, name)).decode()}"


def _digest(salt: bytes, name: str) -> bytes:
    # SHA-1 is what OpenSSH's format has; it hides a name, nothing depends on it.
    return hmac.digest(salt, name.encode(), hashlib.sha1)


known_host = recipe_word(KnownHost)
