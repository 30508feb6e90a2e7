from __future__ import annotations

import ssl
import stat
from pathlib import Path

from toque_server.security import tls


def test_what_trusts_the_authority_accepts_the_server(tmp_path: Path) -> None:
    made = tls.make(tmp_path, ["toque.example", "127.0.0.1"])
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context(cafile=str(made.ca))
    server.load_cert_chain(made.cert, made.key)

    for name in ("toque.example", "127.0.0.1"):
        assert shake_hands(server, client, name)
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600


def test_the_fingerprint_is_of_the_authority(tmp_path: Path) -> None:
    made = tls.make(tmp_path, ["localhost"])

    from cryptography import x509

    assert tls.fingerprint_of(x509.load_pem_x509_certificate(made.ca.read_bytes())) == made.fingerprint
    assert len(made.fingerprint.split(":")) == 32


def shake_hands(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> bool:
    """A handshake in memory; raises when the client does not trust what it sees."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    open_sides = [ours, theirs]
    for _ in range(10):
        for side in list(open_sides):
            try:
                side.do_handshake()
                open_sides.remove(side)
            except ssl.SSLWantReadError:
                pass
        if not open_sides:
            return True
    return False
