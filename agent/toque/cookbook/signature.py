"""Signatures of authors on packages, in OpenSSH's own format: with the key that they have, and checked by either tool.

    toque cookbook package -o FILE --sign KEY       does what       ssh-keygen -Y sign -n toque-package -f KEY FILE

The format is PROTOCOL.sshsig of OpenSSH: a signature over a namespace and the SHA-512 of the file. Ed25519 only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
import textwrap
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from toque.core.errors import ToqueError
from toque.protocol.keys import BadKey, load_public, public_bytes

NAMESPACE = "toque-package"
_MAGIC, _KIND, _HASH = b"SSHSIG", b"ssh-ed25519", b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_LARGEST = 64 * 1024


class BadSignature(ToqueError):
    """A file that is not signed, or not by whom it should be; or a key that cannot be used."""


def signature_of(file: Path) -> Path:
    """Where the signature of a file stands."""
    return file.with_name(f"{file.name}.sig")


def sign(file: Path, key: Path) -> str:
    """Write the signature of a file beside it; answers with the key's fingerprint. Raises BadSignature."""
    try:
        secret = load_ssh_private_key(key.read_bytes(), password=None)
    except TypeError:
        raise BadSignature(
            f"{key} has a passphrase: sign with `ssh-keygen -Y sign -n {NAMESPACE} -f {key} {file}`, which asks for it"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadSignature(f"{key} is no private key of OpenSSH: make one with `ssh-keygen -t ed25519`") from None
    if not isinstance(secret, Ed25519PrivateKey):
        raise BadSignature(f"{key} is no Ed25519 key: make one with `ssh-keygen -t ed25519`")
    public = _strings(_KIND, public_bytes(secret))
    signature = _strings(_KIND, secret.sign(_signed(file)))
    blob = _MAGIC + struct.pack(">I", 1) + _strings(public, NAMESPACE.encode(), b"", _HASH, signature)
    lines = textwrap.wrap(base64.b64encode(blob).decode(), 70)
    signature_of(file).write_text("\n".join([_BEGIN, *lines, _END, ""]))
    return fingerprint(public)


def verify(file: Path, signers: Path) -> str:
    """Check the signature beside a file by the public keys in `signers`; the fingerprint. Raises BadSignature.

    `signers` has lines as in `id_ed25519.pub` or in an allowed_signers file.
    """
    known = _keys(signers)
    place = signature_of(file)
    try:
        raw = place.read_bytes()[:_LARGEST]
    except OSError as error:
        raise BadSignature(f"{file} is not signed: {place.name} cannot be read ({error.strerror})") from None
    try:
        public, namespace, _, hashed, signature = _parsed(raw)
        kind, key = _split(public, 2)
        signed_by, proof = _split(signature, 2)
        if (kind, signed_by, hashed, namespace) != (_KIND, _KIND, _HASH, NAMESPACE.encode()):
            raise BadSignature(f"{place} is no Ed25519 signature for {NAMESPACE}")
        if public not in known:
            raise BadSignature(f"{file} is signed by {fingerprint(public)}, whose key is not in {signers}")
        load_public(key).verify(proof, _signed(file))
    except (ValueError, struct.error, binascii.Error, BadKey):
        raise BadSignature(f"{place} is no signature of OpenSSH") from None
    except InvalidSignature:
        raise BadSignature(f"{file} is not what was signed: it was changed, or {place.name} is another's") from None
    return fingerprint(public)


def fingerprint(public: bytes) -> str:
    """As `ssh-keygen -l` shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public).digest()).decode().rstrip("=")


def _signed(file: Path) -> bytes:
    with file.open("rb") as opened:
        hashed = hashlib.file_digest(opened, "sha512").digest()
    return _MAGIC + _strings(NAMESPACE.encode(), b"", _HASH, hashed)


def _keys(signers: Path) -> set[bytes]:
    found = set()
    for line in signers.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if not line.startswith("#") and "ssh-ed25519" in words[:-1]:
            try:
                found.add(base64.b64decode(words[words.index("ssh-ed25519") + 1], validate=True))
            except binascii.Error:
                continue
    if not found:
        raise BadSignature(f"{signers} has no line such as: ssh-ed25519 AAAA… ann@example.org")
    return found


def _parsed(raw: bytes) -> list[bytes]:
    text = raw.decode("ascii").strip()
    if not (text.startswith(_BEGIN) and text.endswith(_END)):
        raise ValueError("no armour")
    blob = base64.b64decode("".join(text[len(_BEGIN) : -len(_END)].split()), validate=True)
    if blob[:10] != _MAGIC + struct.pack(">I", 1):
        raise ValueError("another version")
    return _split(blob[10:], 5)


def _strings(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def _split(data: bytes, count: int) -> list[bytes]:
    """So many strings with their lengths before them, and nothing after them."""
    found = []
    for _ in range(count):
        (length,) = struct.unpack(">I", data[:4])
        found.append(data[4 : 4 + length])
        if len(found[-1]) != length:
            raise ValueError("cut off")
        data = data[4 + length :]
    if data:
        raise ValueError("something follows")
    return found
