"""private_key: a private key in a file, made once and kept."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Literal

from toque.core import BadProperty, Change, Host, Resource, Secret, recipe_word, resource
from toque.core.files import absolute, four_digits, group_id, group_of, mode_bits, owner_of, user_id
from toque.core.pki import check_key, key_facts, key_text, new_key, public_text, read_key


@dataclass(frozen=True)
class PrivateKeyState:
    type: str | None
    bits: int | None
    encrypted: bool | None
    public: bool | None
    """Whether its public key stands where it should."""
    owner: str | None
    group: str | None
    mode: str | None


@resource("private_key")
@dataclass(frozen=True)
class PrivateKey(Resource[PrivateKeyState]):
    """Keep a private key in a file (PEM, PKCS 8); one that is there is kept, unless it is of another type or size.

    path        absolute; the folder must exist
    type        "ec", "rsa" or "ed25519"; a key that is there keeps its own without it, a new one becomes "ec"
    bits        2048, 3072, 4096 or 8192 for "rsa" (3072), 256, 384 or 521 for "ec" (256); goes with `type`
    passphrase  encrypts it, best as a Secret; a key that stands there in clear is encrypted with it, and stays the same
    public      a second file, which holds the public key (PEM, 0644) and goes with the private one
    owner, group  a user's and a group's name (or the number as text); a new file without them is root's
    mode        four octal digits as text; others may not read it
    present     False removes it

    A key that cannot be read, because the passphrase is another or the file is damaged, is an error: it is never
    replaced. For the certificate or request that goes with it: `certificate`, `csr`.

        key = private_key("/srv/shop.key", type="rsa", bits=4096, group="root", mode="0640")
        private_key("/srv/signing.key", type="ed25519", public="/srv/signing.pub")
        private_key("/srv/ca.key", passphrase=Secret("correct horse battery staple"))
    """

    foreseeable: ClassVar[bool] = True
    path: str
    _: KW_ONLY
    type: Literal["rsa", "ec", "ed25519"] | None = None
    bits: int | None = None
    passphrase: str | None = None
    public: str | None = None
    owner: str | None = None
    group: str | None = None
    mode: str = "0600"
    present: bool = True

    def __post_init__(self) -> None:
        absolute("private_key", self.path)
        if self.public is not None:
            absolute("private_key public:", self.public)
            if self.public == self.path:
                raise BadProperty(f"private_key public must be another file than the key's, got {self.public}")
        check_key("private_key", self.type, self.bits)
        if (mode_bits("private_key", self.mode) or 0) & 0o137:
            raise BadProperty(
                f"private_key mode must give others nothing and the group no more than to read, got {self.mode!r}"
            )
        if self.passphrase is not None:
            if len(self.passphrase) < 4:
                raise BadProperty("private_key passphrase must have at least four characters")
            Secret(self.passphrase)  # hidden from now on, however it was given

    def desired(self) -> PrivateKeyState | None:
        if not self.present:
            return None
        encrypted = True if self.passphrase is not None else None
        public = True if self.public is not None else None
        return PrivateKeyState(self.type, self.bits, encrypted, public, self.owner, self.group, four_digits(self.mode))

    def current(self, host: Host) -> PrivateKeyState | None:
        found, data = host.entry(self.path), host.read(self.path)
        if not self.present and found is None and self.public is not None and host.entry(self.public) is not None:
            return PrivateKeyState(None, None, None, True, None, None, None)
        if found is None or data is None or (found.kind != "file" and self.present):
            return None
        rights = owner_of(host, found, self.owner), group_of(host, found, self.group), f"{found.mode:04o}"
        if not self.present:
            return PrivateKeyState(None, None, None, None, *rights)
        key = read_key(self.path, data, self.passphrase)
        facts = key_facts(key, data)
        public = self.public is not None and host.read(self.public) == public_text(key)
        return PrivateKeyState(facts.type, facts.bits, facts.encrypted, public, *rights)

    def apply(self, host: Host, change: Change[PrivateKeyState]) -> None:
        if change.want is None:
            for path in (self.public, self.path):
                if path is not None:
                    host.remove(path)
            return
        if change.was is None or "type" in change or "bits" in change:
            self._write(host, key_text(new_key(self.type, self.bits), self.passphrase))
        elif "encrypted" in change:
            self._write(host, key_text(read_key(self.path, host.read(self.path) or b""), self.passphrase))
        elif change.fields != {"public"}:
            host.chown(self.path, user_id(host, self.owner), group_id(host, self.group))
            host.chmod(self.path, int(self.mode, 8))
        self._publish(host)

    def _publish(self, host: Host) -> None:
        if self.public is not None:
            content = public_text(read_key(self.path, host.read(self.path) or b"", self.passphrase))
            if host.read(self.public) != content:
                host.write(self.public, content, mode=0o644)

    def _write(self, host: Host, data: bytes) -> None:
        uid, gid = user_id(host, self.owner), group_id(host, self.group)
        host.write(self.path, data, mode=int(self.mode, 8), uid=uid, gid=gid)


private_key = recipe_word(PrivateKey)
