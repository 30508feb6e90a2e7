"""Fingerprints of host keys, as OpsWorks showed them."""

from __future__ import annotations

import hashlib
from base64 import b64decode


def rsa_fingerprint(key: str) -> str | None:
    """MD5 in pairs of an RSA host key in OpenSSH's form; None for keys of other kinds, which OpsWorks did not show."""
    kind, _, rest = key.partition(" ")
    if kind != "ssh-rsa":
        return None
    try:
        raw = b64decode(rest.partition(" ")[0], validate=True)
    except ValueError:
        return None
    return hashlib.md5(raw, usedforsecurity=False).digest().hex(":")
