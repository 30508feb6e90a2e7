"""update-ca-certificates and update-ca-trust of the fake machine: they put together what programs trust."""

from __future__ import annotations

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost

_STORES = {
    "update-ca-certificates": ("/usr/local/share/ca-certificates", "/etc/ssl/certs/ca-certificates.crt"),
    "update-ca-trust": ("/etc/pki/ca-trust/source/anchors", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"),
}


class TrustStore:
    def look(self, argv: list[str], host: FakeHost) -> Answer:
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["update-ca-certificates"] | ["update-ca-certificates", "--fresh"] | ["update-ca-trust", "extract"]:
                folder, bundle = _STORES[argv[0]]
                parts = [host.nodes[f"{folder}/{name}"].content for name in host.names_in(folder)]
                host.add(bundle, b"".join(parts))
                return Ran()
        return None


def with_trust(program: str = "update-ca-certificates") -> FakeHost:
    return FakeHost(programs=[TrustStore()], paths=[f"/usr/sbin/{program}"])
