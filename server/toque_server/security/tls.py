"""A small certificate authority for installations without one: `--tls-self-signed` (D20).

The authority signs one certificate for the names the server is reached by. Nodes and clients are given `ca.pem`, and
an operator compares its fingerprint once.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from toque.protocol.durable import write_durably

AUTHORITY_LIFE = timedelta(days=3650)
# Browsers refuse certificates that live longer.
SERVER_LIFE = timedelta(days=397)


@dataclass(frozen=True)
class Made:
    """Where the files are, and what an operator compares: the SHA-256 of the authority's certificate."""

    ca: Path
    cert: Path
    key: Path
    fingerprint: str


def make(directory: Path, names: Iterable[str], *, now: datetime | None = None) -> Made:
    """Make an authority and a certificate for these host names and addresses, as files in `directory`."""
    begins = (now or datetime.now(UTC)) - timedelta(minutes=5)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = list(dict.fromkeys(names))
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Toque installation authority")])
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key(), begins, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, SHA256())
    )
    own_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    cert = (
        _builder(own_name, ca_name, key.public_key(), begins, SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, SHA256())
    )
    made = Made(directory / "ca.pem", directory / "server.pem", directory / "server.key", fingerprint_of(ca))
    write_durably(directory / "ca.key", _private(ca_key), mode=0o600)
    write_durably(made.key, _private(key), mode=0o600)
    write_durably(made.ca, ca.public_bytes(Encoding.PEM), mode=0o644)
    write_durably(made.cert, cert.public_bytes(Encoding.PEM) + ca.public_bytes(Encoding.PEM), mode=0o644)
    return made


def fingerprint_of(cert: x509.Certificate) -> str:
    """SHA-256 as browsers and openssl show it."""
    text = hashlib.sha256(cert.public_bytes(Encoding.DER)).hexdigest().upper()
    return ":".join(text[at : at + 2] for at in range(0, len(text), 2))


def _builder(
    name: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begins: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
