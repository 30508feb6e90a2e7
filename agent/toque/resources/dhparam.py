"""dhparam: the parameters of Diffie-Hellman that older TLS and mail servers want in a file."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, ToqueError, recipe_word, resource
from toque.core.dh_groups import SIZES, pem, prime, prime_in
from toque.core.files import absolute, four_digits, group_id, group_of, mode_bits, owner_of, user_id

OWN = "its own"


@dataclass(frozen=True)
class DhparamState:
    bits: int | None
    numbers: str | None
    """The name of the group in RFC 7919, or `its own`."""
    owner: str | None
    group: str | None
    mode: str | None


@resource("dhparam")
@dataclass(frozen=True)
class Dhparam(Resource[DhparamState]):
    """Keep a file of Diffie-Hellman parameters (PEM).

    path       absolute; the folder must exist
    bits       2048, 3072, 4096, 6144 or 8192
    generated  False: the group of that size in RFC 7919, at once, and as safe. True: numbers of this machine's own,
               which `openssl` searches once, for minutes
    owner, group  a user's and a group's name (or the number as text)
    mode       four octal digits as text
    present    False removes it

        dhparam("/srv/dhparam.pem", bits=3072)
    """

    path: str
    _: KW_ONLY
    bits: int = 2048
    generated: bool = False
    owner: str | None = None
    group: str | None = None
    mode: str = "0644"
    present: bool = True

    def __post_init__(self) -> None:
        absolute("dhparam", self.path)
        mode_bits("dhparam", self.mode)
        if self.bits not in SIZES:
            raise BadProperty(f"dhparam bits must be {', '.join(map(str, SIZES[:-1]))} or {SIZES[-1]}, got {self.bits}")

    def desired(self) -> DhparamState | None:
        if not self.present:
            return None
        numbers = OWN if self.generated else f"ffdhe{self.bits}"
        return DhparamState(self.bits, numbers, self.owner, self.group, four_digits(self.mode))

    def current(self, host: Host) -> DhparamState | None:
        found, data = host.entry(self.path), host.read(self.path)
        if found is None or data is None or (found.kind != "file" and self.present):
            return None
        p = prime_in(data)
        bits = p.bit_length() if p is not None else None
        numbers = None if bits is None else f"ffdhe{bits}" if bits in SIZES and p == prime(bits) else OWN
        rights = owner_of(host, found, self.owner), group_of(host, found, self.group), f"{found.mode:04o}"
        return DhparamState(bits, numbers, *rights)

    def apply(self, host: Host, change: Change[DhparamState]) -> None:
        uid, gid = user_id(host, self.owner), group_id(host, self.group)
        if change.want is None:
            host.remove(self.path)
        elif change.fields <= {"owner", "group", "mode"}:
            host.chown(self.path, uid, gid)
            host.chmod(self.path, int(self.mode, 8))
        else:
            content = self._searched(host) if self.generated else pem(prime(self.bits))
            host.write(self.path, content, mode=int(self.mode, 8), uid=uid, gid=gid)

    def _searched(self, host: Host) -> bytes:
        if host.which("openssl") is None:
            raise ToqueError('dhparam generated=True needs the program openssl: package("openssl") before it')
        return host.run(["openssl", "dhparam", str(self.bits)]).out.encode()


dhparam = recipe_word(Dhparam)
