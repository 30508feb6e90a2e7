"""authorized_keys: with which SSH keys somebody may log in as a user."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import in_lines, lines_of
from toque.core.own_files import home_of, make_private, read_as, remove_as, write_as
from toque.core.ssh_keys import PublicKey, blob_in, check_option, parse

_USUAL = ".ssh/authorized_keys"


@dataclass(frozen=True)
class AuthorizedKeysState:
    content: bytes | None = None
    """The lines that the recipe speaks of: all of the file where it is exclusive, else those with the keys it names."""
    owner: str | None = None
    mode: str | None = None
    folder: str | None = None


@resource("authorized_keys")
@dataclass(frozen=True)
class AuthorizedKeys(Resource[AuthorizedKeysState]):
    """Keep the SSH keys with which somebody may log in as a user; others that are there stay, unless it is exclusive.

    user       the account, which must exist, with its home folder
    keys       public keys, each one line as in a .pub file; options may stand before a key, as sshd(8) has them
    options    options to put before each of `keys` that has none, e.g. ["no-pty", 'from="10.0.0.0/8"']
    exclusive  True: these keys and no others, nor any other line; an empty list lets nobody in
    path       where sshd looks (its AuthorizedKeysFile): absolute, or below the home; %u is the user, %h the home
    present    False takes `keys` out; without `keys` it removes the file

    In a home the file is for its user alone (0600, its folder 0700), and everything is done with that user's rights: a
    link that somebody laid there leads nowhere. Elsewhere it belongs to root (0644). A key that sshd would not
    take is refused.

        ann = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ann@laptop"
        authorized_keys("deploy", keys=[ann], options=["no-agent-forwarding"], exclusive=True)
        authorized_keys("bob", present=False)
    """

    user: str
    _: KW_ONLY
    keys: Sequence[str] = ()
    options: Sequence[str] = ()
    exclusive: bool = False
    path: str = _USUAL
    present: bool = True

    def __post_init__(self) -> None:
        check_name("authorized_keys user:", self.user)
        for option in self.options:
            check_option("authorized_keys options", option)
        if len({key.blob for key in self._keys()}) != len(self.keys):
            raise BadProperty("authorized_keys keys name the same key twice")
        if self.exclusive and not self.present:
            raise BadProperty("authorized_keys takes exclusive=True or present=False, not both")
        if self.present and not self.keys and not self.exclusive:
            raise BadProperty("authorized_keys needs keys (or exclusive=True, which lets nobody in)")
        if not self.path or re.search(r"[\x00-\x1f]|%(?![uh%])|(^|/)\.\.(/|$)|/$", self.path):
            raise BadProperty(
                f"authorized_keys path must be a file, with no `..` and no %-sign but %u and %h, got {self.path!r}"
            )

    def desired(self) -> AuthorizedKeysState | None:
        if not self.present:
            return None
        own, text = not self.path.startswith("/"), in_lines([key.line for key in self._keys()])
        folder = f"0700 {self.user}" if self.path == _USUAL else None
        if own or self.path.startswith("%h/"):
            return AuthorizedKeysState(text, self.user, "0600", folder)
        return AuthorizedKeysState(text, None, None, None)

    def current(self, host: Host) -> AuthorizedKeysState | None:
        path = self._path(host)
        found = host.entry(path) if path else None
        if path is None or found is None or found.kind != "file":
            return AuthorizedKeysState() if found is not None and not self.present and not self.keys else None
        lines = lines_of(self._read(host, path))
        if self.keys and not self.exclusive:
            there = [(blob_in(line), line) for line in lines]
            lines = [line for key in self._keys() for blob, line in there if blob == key.blob]
            if not self.present and not lines:
                return None
        return AuthorizedKeysState(in_lines(lines), host.user_name(found.uid), f"{found.mode:04o}", _folder(host, path))

    def apply(self, host: Host, change: Change[AuthorizedKeysState]) -> None:
        own = self._is_own(host)
        if own:
            home_of(host, self.user)
        path = self._path(host) or ""
        if change.want is None and not self.keys:
            remove_as(host, self.user, path) if own else host.remove(path)
            return
        if "folder" in change and change.was is not None:
            make_private(host, self.user, path.rpartition("/")[0])
        if change.fields == {"folder"}:
            return
        old = self._read(host, path) or b""
        new = in_lines([key.line for key in self._keys()]) if self.exclusive else self._merged(old)
        if own:
            write_as(host, self.user, path, new)
        else:
            host.write(path, new, mode=0o644)

    def _keys(self) -> list[PublicKey]:
        parsed = [parse("authorized_keys keys", key) for key in self.keys]
        given = ",".join(self.options)
        return [key if key.options else PublicKey(given, key.type, key.blob, key.comment) for key in parsed]

    def _merged(self, old: bytes) -> bytes:
        """What is there, with our keys each in one line (where the first of its lines was), or in none."""
        left = {key.blob: key.line for key in self._keys()}
        ours, lines = set(left), []
        for line in lines_of(old):
            blob = blob_in(line)
            if blob not in ours:
                lines.append(line)
            elif self.present and blob in left:
                lines.append(left.pop(blob))
        return in_lines([*lines, *(left.values() if self.present else ())])

    def _path(self, host: Host) -> str | None:
        """Where the file is; None as long as there is no such user."""
        home = host.home_of(self.user)
        if home is None:
            return None
        tokens = {"%u": self.user, "%h": home, "%%": "%"}
        path = re.sub("%[uh%]", lambda token: tokens[token[0]], self.path)
        return path if path.startswith("/") else f"{home.rstrip('/')}/{path}"

    def _is_own(self, host: Host) -> bool:
        """Whether it is a file in the user's own home."""
        home = host.home_of(self.user)
        return home is None or (self._path(host) or "").startswith(f"{home.rstrip('/')}/")

    def _read(self, host: Host, path: str) -> bytes | None:
        return read_as(host, self.user, path) if self._is_own(host) else host.read(path)


def _folder(host: Host, path: str) -> str | None:
    found = host.entry(path.rpartition("/")[0])
    return None if found is None else f"{found.mode:04o} {host.user_name(found.uid)}"


authorized_keys = recipe_word(AuthorizedKeys)
