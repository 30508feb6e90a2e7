"""trusted_ca: an authority whose certificates the programs of this machine believe."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.files import cookbook_file
from toque.core.pki import CannotRead, read_certificates
from toque.platforms.trust import NoStore, Trust, store_of

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")
_BODY = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True)
class TrustedCaState:
    content: bytes | None
    trusted: bool | None
    """Whether it is among those that programs believe, not only in the folder for more."""


@resource("trusted_ca")
@dataclass(frozen=True)
class TrustedCa(Resource[TrustedCaState]):
    """Have the machine trust a certificate authority: curl, git, Python and all that use the system's store.

    name     of its file among the authorities that were added here
    content  its certificate (PEM), one
    source   instead of content: the name of a file in the cookbook's `files/` folder
    present  False: it is trusted no more

    With `update-ca-certificates` (Debian and its family) or `update-ca-trust` (Red Hat's). Authorities that come with
    the system are not touched.

        trusted_ca("our-own", source="our-own-ca.pem")
        trusted_ca("the-former", present=False)
    """

    name: str
    _: KW_ONLY
    content: str | None = None
    source: str | None = None
    present: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadProperty(f"trusted_ca name must be letters, digits and _ . + -, got {self.name!r}")
        if self.present and (self.content is None) == (self.source is None):
            raise BadProperty("trusted_ca takes content or source, one of them")

    def desired(self) -> TrustedCaState | None:
        return TrustedCaState(self._certificate(), True) if self.present else None

    def current(self, host: Host) -> TrustedCaState | None:
        store = store_of(host)
        if store is None:
            return None
        trust = Trust(host, store)
        content = host.read(trust.anchor(self.name))
        if content is None:
            return None
        bodies = set(_bodies(content))
        return TrustedCaState(content, bool(bodies) and bodies <= set(_bodies(trust.bundle())))

    def apply(self, host: Host, change: Change[TrustedCaState]) -> None:
        store = store_of(host)
        if store is None:
            raise NoStore()
        trust = Trust(host, store)
        if change.want is None:
            trust.remove(self.name)
        else:
            trust.add(self.name, change.want.content or b"")

    def _certificate(self) -> bytes:
        """What was given, once it is seen to be one certificate and nothing else."""
        if self.source is not None:
            content = cookbook_file("files", self.source, self.source_line).read_bytes()
        else:
            content = (self.content or "").encode()
        if b"PRIVATE KEY" in content:
            raise BadProperty("trusted_ca must hold no private key: every user of the machine can read it")
        try:
            number = len(read_certificates("trusted_ca", content))
        except CannotRead:
            number = 0
        if number != 1:
            raise BadProperty(f"trusted_ca must be one certificate in PEM, there are {number} in it")
        return content.rstrip() + b"\n"


def _bodies(content: bytes) -> list[bytes]:
    """The certificates in a file, without how their lines are broken."""
    return [b"".join(body.split()) for body in _BODY.findall(content)]


trusted_ca = recipe_word(TrustedCa)
