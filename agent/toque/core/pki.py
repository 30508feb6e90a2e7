"""Private keys, requests and certificates: made, read and compared. The one home of `cryptography.x509` in recipes.

`cryptography` is loaded by the first function that needs it: importing this module costs nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

from toque.core.errors import BadProperty, ToqueError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

KeyType = Literal["rsa", "ec", "ed25519"]

BITS: dict[str, tuple[int, ...]] = {"rsa": (2048, 3072, 4096, 8192), "ec": (256, 384, 521), "ed25519": ()}
"""The sizes that a key of each type may have; the usual one is the first, of RSA the second."""

_LABEL = "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(\*\.)?({_LABEL}\.)*{_LABEL}", re.IGNORECASE)
_OTHER = re.compile(r"[!-?A-~]+@[!-?A-~]+|[a-z][a-z0-9+.-]*://[!-~]+")
"""An e-mail address, or a URI."""
_BEFORE = timedelta(hours=1)
"""How long before now a certificate begins to be good: clocks of other machines may be behind."""


class CannotRead(ToqueError):
    """A file holds no key, request or certificate that we can read; it is never overwritten for that."""


@dataclass(frozen=True)
class KeyFacts:
    type: str
    bits: int | None
    encrypted: bool


def check_key(word: str, type: str | None, bits: int | None, *, names: tuple[str, str] = ("type", "bits")) -> None:
    """Refuse a size that keys of this type do not have."""
    if bits is None:
        return
    if type is None:
        raise BadProperty(f"{word} {names[1]} goes with {names[0]}")
    if bits not in BITS[type]:
        sizes = " or ".join(map(str, BITS[type])) or "not given"
        raise BadProperty(f"{word} {names[1]} of a key of {names[0]} {type} must be {sizes}, got {bits}")


def new_key(type: str | None, bits: int | None) -> Key:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if type == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=bits or 3072)
    if type == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {256: ec.SECP256R1(), 384: ec.SECP384R1(), 521: ec.SECP521R1()}
    return ec.generate_private_key(curves[bits or 256])


def key_text(key: Key, passphrase: str | None = None) -> bytes:
    """As PEM (PKCS 8), encrypted where there is a passphrase."""
    from cryptography.hazmat.primitives import serialization as form

    lock = form.BestAvailableEncryption(str.__str__(passphrase).encode()) if passphrase else form.NoEncryption()
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, lock)


def public_text(key: Key) -> bytes:
    """Its public key, as PEM."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def read_key(path: str, data: bytes, passphrase: str | None = None) -> Key:
    """The private key in a file; raises CannotRead, which says whether it is the passphrase."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    given = str.__str__(passphrase).encode() if passphrase and is_encrypted(data) else None
    try:
        key = load_pem_private_key(data, given)
    except TypeError:
        raise CannotRead(f"the private key {path} is encrypted: give its passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        why = "the passphrase is wrong, or it is damaged" if given else "it is damaged, or no private key in PEM"
        raise CannotRead(f"the private key {path} cannot be read: {why}") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise CannotRead(f"the private key {path} is of a type that Toque does not know: {type(key).__name__}")
    return key


def is_encrypted(data: bytes) -> bool:
    return b"ENCRYPTED" in data


def key_facts(key: Key, data: bytes) -> KeyFacts:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    kind = "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ed25519"
    kind = "ec" if isinstance(key, ec.EllipticCurvePrivateKey) else kind
    return KeyFacts(kind, getattr(key, "key_size", None), is_encrypted(data))


def name_of(word: str, text: str) -> x509.Name:
    """A subject such as "CN=shop.example,O=The Shop,C=DE"; raises BadProperty."""
    from cryptography import x509

    try:
        return x509.Name.from_rfc4514_string(text)
    except ValueError as error:
        raise BadProperty(f'{word} must be such as "CN=shop.example,O=The Shop,C=DE", got {text!r} ({error})') from None


def check_subject(word: str, text: str | None) -> None:
    """As far as it can be told without the library."""
    if text is not None and (not re.match(r"[A-Za-z][A-Za-z0-9.-]*=.", text) or re.search(r"[\x00-\x1f]", text)):
        raise BadProperty(f'{word} must be such as "CN=shop.example,O=The Shop,C=DE", got {text!r}')


def check_names(word: str, names: Sequence[str]) -> None:
    """Refuse what can be no alternative name: a host, `*.` and a host, an address, an e-mail address or a URI."""
    for name in names:
        if not (_is_address(name) or _HOST.fullmatch(name) or _OTHER.fullmatch(name)):
            raise BadProperty(f"{word} must be hosts, addresses, e-mail addresses or URIs, got {name!r}")
    if len(set(names)) != len(names):
        raise BadProperty(f"{word} name the same twice: {', '.join(names)}")


def normal_names(names: Sequence[str]) -> tuple[str, ...]:
    """As they come out of a certificate: addresses in their short form."""
    return tuple(str(ipaddress.ip_address(name)) if _is_address(name) else name for name in names)


def alternative_names(names: Sequence[str]) -> x509.SubjectAlternativeName:
    from cryptography import x509

    kinds: list[x509.GeneralName] = []
    for name in names:
        if _is_address(name):
            kinds.append(x509.IPAddress(ipaddress.ip_address(name)))
        elif "://" in name:
            kinds.append(x509.UniformResourceIdentifier(name))
        else:
            kinds.append(x509.RFC822Name(name) if "@" in name else x509.DNSName(name))
    return x509.SubjectAlternativeName(kinds)


def names_of(found: x509.Certificate | x509.CertificateSigningRequest) -> x509.SubjectAlternativeName | None:
    from cryptography import x509

    try:
        return found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None


def names_in(found: x509.Certificate | x509.CertificateSigningRequest) -> tuple[str, ...]:
    """The alternative names, as text."""
    return tuple(str(name.value) for name in names_of(found) or ())


def read_certificates(path: str, data: bytes) -> list[x509.Certificate]:
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise CannotRead(f"{path} is no certificate in PEM") from None


def read_request(path: str, data: bytes) -> x509.CertificateSigningRequest:
    from cryptography import x509

    try:
        request = x509.load_pem_x509_csr(data)
    except ValueError:
        raise CannotRead(f"{path} is no certificate request in PEM") from None
    if not request.is_signature_valid:
        raise CannotRead(f"the certificate request {path} is damaged: its signature is not good")
    return request


def new_request(key: Key, subject: x509.Name, names: Sequence[str]) -> bytes:
    from cryptography import x509

    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    if names:
        builder = builder.add_extension(alternative_names(names), critical=False)
    return _pem(builder.sign(key, _digest(key)))


@dataclass(frozen=True)
class Order:
    """A certificate to be made: for whom, how long, and whether it may sign others."""

    public_key: Any
    subject: x509.Name
    names: x509.SubjectAlternativeName | None
    days: int
    authority: bool = False


def new_certificate(order: Order, signer: Key, ca: x509.Certificate | None) -> bytes:
    """Signed by `signer`, in the name of `ca`; of the subject itself where there is none."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    now = datetime.now(UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(order.public_key)
    signing = order.authority
    usage = x509.KeyUsage(
        digital_signature=True,
        key_encipherment=not signing,
        key_cert_sign=signing,
        crl_sign=signing,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(order.subject)
        .issuer_name(order.subject if ca is None else ca.subject)
        .public_key(order.public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + timedelta(days=order.days))
        .add_extension(x509.BasicConstraints(ca=signing, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if order.names is not None:
        builder = builder.add_extension(order.names, critical=False)
    if not signing:
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(uses, critical=False)
    return _pem(builder.sign(signer, _digest(signer)))


def same_key(one: Any, other: Any) -> bool:
    """Whether two public keys are the same."""
    return bool(one == other)


def issued_by(found: x509.Certificate, ca: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        found.verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def is_authority(found: x509.Certificate) -> bool:
    from cryptography import x509

    try:
        return found.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _pem(signed: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return signed.public_bytes(Encoding.PEM)


def _digest(key: Key) -> Any:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ed25519

    return cast(Any, None) if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
