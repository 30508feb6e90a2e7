"""certificate: a certificate in a file, signed by itself or by an authority of yours, and renewed in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Literal

from toque.core import BadProperty, Change, Host, NotFound, Resource, Secret, ToqueError, pki, recipe_word, resource
from toque.core.files import absolute, four_digits, group_id, group_of, mode_bits, owner_of, user_id

if TYPE_CHECKING:
    from cryptography import x509

ITSELF = "itself"


@dataclass(frozen=True)
class CertificateState:
    subject: str | None = None
    names: tuple[str, ...] | None = None
    issuer: str | None = None
    """`itself`, or the file of the authority whose signature it bears; of another one its name."""
    authority: bool | None = None
    matches_key: bool | None = None
    key_type: str | None = None
    key_bits: int | None = None
    in_time: bool | None = None
    """Whether it is good now and needs no renewal yet."""
    chain: bool | None = None
    owner: str | None = None
    group: str | None = None
    mode: str | None = None


_RIGHTS = {"owner", "group", "mode"}


@resource("certificate")
@dataclass(frozen=True)
class Certificate(Resource[CertificateState]):
    """Keep a certificate (PEM) that fits its private key, says what the recipe says, and is renewed before it ends.

    path          absolute; the folder must exist
    key           the file of its private key; made (mode 0600) when there is none, and kept when it is renewed
    key_type      "ec" (usual), "rsa" or "ed25519"; a key of another type is replaced, without it none is
    key_bits      as `bits` of `private_key`
    passphrase    of the key, best as a Secret
    names         what it is good for: hosts (also "*.shop.example"), addresses, e-mail addresses, URIs
    subject       e.g. "CN=shop.example,O=The Shop,C=DE"; without it "CN=" and the first of `names`
    request       instead of key, names and subject: a request to sign (`csr` makes them), which says all that
    ca, ca_key    files of the authority that signs it: its certificate and its key; without them it signs itself
    ca_passphrase  of the authority's key, best as a Secret
    authority     True: it may sign others (a certificate authority of your own)
    chain         True: the file holds the authority's certificate as well, as servers want it
    days          how long a new one is good
    renew_before  days before its end from which on it is renewed
    owner, group  of the certificate and of a key that is made: names (or numbers as text)
    mode          of the certificate: four octal digits as text
    present       False removes the certificate, and leaves the key

    It is made anew when something of the above differs, when the key or the authority is another, and when it is time;
    so a service takes it in with `restart_on` or `reload_on`. For an authority elsewhere, make a request with `csr`.

        ca = certificate("/srv/ca.pem", key="/srv/ca.key", subject="CN=Our own CA", authority=True, days=3650)
        web = certificate("/srv/shop.pem", key="/srv/shop.key", names=["shop.example", "10.0.0.1"],
                          ca="/srv/ca.pem", ca_key="/srv/ca.key", chain=True, days=90, renew_before=30)
        service("nginx", reload_on=[web])
    """

    foreseeable: ClassVar[bool] = True
    path: str
    _: KW_ONLY
    key: str | None = None
    key_type: Literal["rsa", "ec", "ed25519"] | None = None
    key_bits: int | None = None
    passphrase: str | None = None
    names: Sequence[str] = ()
    subject: str | None = None
    request: str | None = None
    ca: str | None = None
    ca_key: str | None = None
    ca_passphrase: str | None = None
    authority: bool = False
    chain: bool = False
    days: int = 365
    renew_before: int = 30
    owner: str | None = None
    group: str | None = None
    mode: str = "0644"
    present: bool = True

    def __post_init__(self) -> None:
        absolute("certificate", self.path)
        mode_bits("certificate", self.mode)
        for name, path in (("key", self.key), ("request", self.request), ("ca", self.ca), ("ca_key", self.ca_key)):
            if path is not None:
                absolute(f"certificate {name}:", path)
                if path == self.path:
                    raise BadProperty(f"certificate {name} must be another file than the certificate's, got {path}")
        if self.present:
            self._check_contents()
        for secret in (self.passphrase, self.ca_passphrase):
            if secret is not None:
                Secret(secret)  # hidden from now on, however it was given

    def _check_contents(self) -> None:
        pki.check_key("certificate", self.key_type, self.key_bits, names=("key_type", "key_bits"))
        pki.check_names("certificate names", self.names)
        pki.check_subject("certificate subject", self.subject)
        if self.request is not None:
            if self.key or self.key_type or self.names or self.subject or self.authority:
                raise BadProperty("certificate takes its key, names and subject from the request: name only that")
            if self.ca is None:
                raise BadProperty("certificate request needs ca and ca_key: somebody who signs it")
        elif self.key is None:
            raise BadProperty("certificate needs key (the file of its private key) or request")
        elif self.subject is None and not self.names:
            raise BadProperty("certificate needs names or subject")
        if (self.ca is None) != (self.ca_key is None):
            raise BadProperty("certificate ca and ca_key go together")
        if self.chain and self.ca is None:
            raise BadProperty("certificate chain goes with ca")
        if not 1 <= self.days <= 36500:
            raise BadProperty(f"certificate days must be 1 to 36500, got {self.days}")
        if not 0 <= self.renew_before < self.days:
            raise BadProperty(
                f"certificate renew_before must be less than days ({self.days}), got {self.renew_before}: "
                "a new one would have to be renewed at once"
            )

    def desired(self) -> CertificateState | None:
        if not self.present:
            return None
        asked = self.request is not None
        return CertificateState(
            subject=None if asked else pki.name_of("certificate subject", self._subject()).rfc4514_string(),
            names=None if asked else pki.normal_names(self.names),
            key_type=self.key_type,
            issuer=self.ca or ITSELF,
            authority=self.authority,
            matches_key=True,
            key_bits=self.key_bits,
            in_time=True,
            chain=self.chain,
            owner=self.owner,
            group=self.group,
            mode=four_digits(self.mode),
        )

    def current(self, host: Host) -> CertificateState | None:
        found, data = host.entry(self.path), host.read(self.path)
        if found is None or data is None or (found.kind != "file" and self.present):
            return None
        rights = CertificateState(
            owner=owner_of(host, found, self.owner), group=group_of(host, found, self.group), mode=f"{found.mode:04o}"
        )
        if not self.present:
            return rights
        try:
            certificates = pki.read_certificates(self.path, data)
        except pki.CannotRead:
            return rights
        first, now = certificates[0], datetime.now(UTC)
        renewal = first.not_valid_after_utc - timedelta(days=self.renew_before)
        key = self._key(host)
        facts = pki.key_facts(key, b"") if key is not None else None
        return replace(
            rights,
            subject=first.subject.rfc4514_string(),
            names=pki.names_in(first),
            issuer=self._issuer(host, first),
            authority=pki.is_authority(first),
            matches_key=self._matches(host, key, first),
            key_type=facts.type if facts else None,
            key_bits=facts.bits if facts else None,
            in_time=first.not_valid_before_utc <= now < renewal,
            chain=self._has_chain(host, certificates),
        )

    def apply(self, host: Host, change: Change[CertificateState]) -> None:
        uid, gid = user_id(host, self.owner), group_id(host, self.group)
        if change.want is None:
            host.remove(self.path)
        elif change.fields <= _RIGHTS:
            host.chown(self.path, uid, gid)
            host.chmod(self.path, int(self.mode, 8))
        else:
            host.write(self.path, self._made(host, change), mode=int(self.mode, 8), uid=uid, gid=gid)

    def _made(self, host: Host, change: Change[CertificateState]) -> bytes:
        if self.request is not None:
            request = pki.read_request(self.request, _needed(host, self.request, "certificate request"))
            names, subject, public_key = pki.names_of(request), request.subject, request.public_key()
            key = None
        else:
            key = self._kept_key(host, anew="key_type" in change or "key_bits" in change)
            names = pki.alternative_names(self.names) if self.names else None
            subject, public_key = pki.name_of("certificate subject", self._subject()), key.public_key()
        order = pki.Order(public_key, subject, names, self.days, self.authority)
        if self.ca is None or self.ca_key is None:
            assert key is not None, "a request is signed by an authority"
            return pki.new_certificate(order, key, None)
        ca = pki.read_certificates(self.ca, _needed(host, self.ca, "certificate of an authority"))
        ca_key = pki.read_key(self.ca_key, _needed(host, self.ca_key, "private key"), self.ca_passphrase)
        if not pki.is_authority(ca[0]):
            raise ToqueError(f"{self.ca} may not sign others: it was made without authority=True")
        if not pki.same_key(ca_key.public_key(), ca[0].public_key()):
            raise ToqueError(f"{self.ca_key} is not the private key of {self.ca}")
        made = pki.new_certificate(order, ca_key, ca[0])
        return made + (host.read(self.ca) or b"") if self.chain else made

    def _kept_key(self, host: Host, *, anew: bool) -> pki.Key:
        """The private key that is there, unless it is to be another; else a new one, in its file."""
        assert self.key is not None, "checked when it was declared"
        facts_differ = False
        key = self._key(host)
        if key is not None and anew:
            facts = pki.key_facts(key, b"")
            facts_differ = (self.key_type or facts.type, self.key_bits or facts.bits) != (facts.type, facts.bits)
        if key is None or facts_differ:
            key = pki.new_key(self.key_type, self.key_bits)
            text, rights = pki.key_text(key, self.passphrase), (user_id(host, self.owner), group_id(host, self.group))
            host.write(self.key, text, mode=0o600, uid=rights[0], gid=rights[1])
        return key

    def _key(self, host: Host) -> pki.Key | None:
        data = host.read(self.key) if self.key is not None else None
        return None if data is None else pki.read_key(self.key or "", data, self.passphrase)

    def _matches(self, host: Host, key: pki.Key | None, found: x509.Certificate) -> bool:
        if self.request is None:
            return key is not None and pki.same_key(key.public_key(), found.public_key())
        data = host.read(self.request)
        if data is None:
            return False
        request = pki.read_request(self.request, data)
        asked = (request.subject, pki.names_in(request))
        return pki.same_key(request.public_key(), found.public_key()) and asked == (found.subject, pki.names_in(found))

    def _issuer(self, host: Host, found: x509.Certificate) -> str:
        data = host.read(self.ca) if self.ca is not None else None
        if data is not None and self.ca is not None and pki.issued_by(found, pki.read_certificates(self.ca, data)[0]):
            return self.ca
        return ITSELF if pki.issued_by(found, found) else found.issuer.rfc4514_string()

    def _has_chain(self, host: Host, found: list[x509.Certificate]) -> bool:
        data = host.read(self.ca) if self.ca is not None else None
        chain = [] if data is None or self.ca is None else pki.read_certificates(self.ca, data)
        return len(found) > 1 and found[1:] == chain

    def _subject(self) -> str:
        return self.subject or f"CN={self.names[0]}"


def _needed(host: Host, path: str, what: str) -> bytes:
    data = host.read(path)
    if data is None:
        raise NotFound(f"{what} called", path)
    return data


certificate = recipe_word(Certificate)
