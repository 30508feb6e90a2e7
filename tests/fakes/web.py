"""A real web server on loopback that serves what a test puts into it."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Page:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut_at: int = 0
    """Where the connection ends, the first time; who asks for the rest, gets it."""


class Web:
    """`pages` maps paths to what is answered; `seen` are the requests: (path, headers). With `certificate` over TLS,
    with `clients` only for those who show one of these certificates."""

    def __init__(
        self, certificate: Path | None = None, address: str = "127.0.0.1", clients: Path | None = None
    ) -> None:
        self.pages: dict[str, Page] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.answer(self)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                web.answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._http = ThreadingHTTPServer((address, 0), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            if clients is not None:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(clients)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.port = self._http.server_port
        self.url = f"{'https' if certificate else 'http'}://{'localhost' if certificate else address}:{self.port}"
        threading.Thread(target=self._http.serve_forever, args=[0.02], daemon=True).start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        self.seen.append((request.path, {name.title(): value for name, value in request.headers.items()}))
        page = self.pages.get(request.path, Page(b"nothing here", 404))
        etag = page.headers.get("ETag")
        if etag is not None and request.headers.get("If-None-Match") == etag:
            page = Page(status=304, headers={"ETag": etag})
        since = (request.headers.get("Range") or "").removeprefix("bytes=").removesuffix("-")
        if page.cut_at and not since:
            page = replace(
                page, headers={"Content-Length": str(len(page.body)), **page.headers}, body=page.body[: page.cut_at]
            )
        elif page.cut_at and request.headers.get("If-Range") == etag:
            rest = page.body[int(since) :]
            headers = {**page.headers, "Content-Range": f"bytes {since}-{len(page.body) - 1}/{len(page.body)}"}
            page = Page(rest, 206, headers)
        request.send_response(page.status)
        for name, value in {"Content-Length": str(len(page.body)), **page.headers}.items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(page.body)


def certificate_for(name: str, path: Path) -> Path:
    """A self-signed certificate with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name.replace(".", "").isdigit():
        names = [x509.IPAddress(ipaddress.ip_address(name))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
