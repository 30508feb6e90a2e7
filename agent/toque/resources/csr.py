"""csr: a request for a certificate, to be signed by somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

from toque.core import BadProperty, Change, Host, NotFound, Resource, Secret, recipe_word, resource
from toque.core.files import absolute, four_digits, group_id, group_of, mode_bits, owner_of, user_id
from toque.core.pki import (
    CannotRead,
    check_names,
    check_subject,
    name_of,
    names_in,
    new_request,
    normal_names,
    read_key,
    read_request,
    same_key,
)


@dataclass(frozen=True)
class CsrState:
    subject: str | None
    names: tuple[str, ...] | None
    matches_key: bool | None
    owner: str | None
    group: str | None
    mode: str | None


@resource("csr")
@dataclass(frozen=True)
class Csr(Resource[CsrState]):
    """Keep a request for a certificate (PEM) that fits a private key; another authority signs it.

    path        absolute; the folder must exist
    key         the file of the private key (make it with `private_key`); the request is made anew when that is another
    passphrase  of the key, best as a Secret
    names       what the certificate shall be good for: hosts, addresses, e-mail addresses, URIs
    subject     e.g. "CN=shop.example,O=The Shop,C=DE"; without it "CN=" and the first of `names`
    owner, group  a user's and a group's name (or the number as text)
    mode        four octal digits as text
    present     False removes it

        private_key("/srv/shop.key")
        csr("/srv/shop.csr", key="/srv/shop.key", names=["shop.example", "www.shop.example"])
    """

    foreseeable: ClassVar[bool] = True
    path: str
    _: KW_ONLY
    key: str = ""
    passphrase: str | None = None
    names: Sequence[str] = ()
    subject: str | None = None
    owner: str | None = None
    group: str | None = None
    mode: str = "0644"
    present: bool = True

    def __post_init__(self) -> None:
        absolute("csr", self.path)
        mode_bits("csr", self.mode)
        if not self.present:
            return
        absolute("csr key:", self.key)
        if self.key == self.path:
            raise BadProperty(f"csr key must be another file than the request's, got {self.key}")
        check_names("csr names", self.names)
        check_subject("csr subject", self.subject)
        if self.subject is None and not self.names:
            raise BadProperty("csr needs names or subject")
        if self.passphrase is not None:
            Secret(self.passphrase)  # hidden from now on, however it was given

    def desired(self) -> CsrState | None:
        if not self.present:
            return None
        subject = name_of("csr subject", self._subject()).rfc4514_string()
        return CsrState(subject, normal_names(self.names), True, self.owner, self.group, four_digits(self.mode))

    def current(self, host: Host) -> CsrState | None:
        found, data = host.entry(self.path), host.read(self.path)
        if found is None or data is None or (found.kind != "file" and self.present):
            return None
        rights = owner_of(host, found, self.owner), group_of(host, found, self.group), f"{found.mode:04o}"
        try:
            request = read_request(self.path, data)
        except CannotRead:
            return CsrState(None, None, None, *rights)
        key = host.read(self.key) if self.key else None
        matches = key is not None and same_key(
            read_key(self.key, key, self.passphrase).public_key(), request.public_key()
        )
        return CsrState(request.subject.rfc4514_string(), names_in(request), matches, *rights)

    def apply(self, host: Host, change: Change[CsrState]) -> None:
        if change.want is None:
            host.remove(self.path)
            return
        uid, gid = user_id(host, self.owner), group_id(host, self.group)
        if change.fields <= {"owner", "group", "mode"}:
            host.chown(self.path, uid, gid)
            host.chmod(self.path, int(self.mode, 8))
            return
        key = host.read(self.key)
        if key is None:
            raise NotFound("private key (private_key makes one) called", self.key)
        subject = name_of("csr subject", self._subject())
        request = new_request(read_key(self.key, key, self.passphrase), subject, self.names)
        host.write(self.path, request, mode=int(self.mode, 8), uid=uid, gid=gid)

    def _subject(self) -> str:
        return self.subject or f"CN={self.names[0]}"


csr = recipe_word(Csr)
