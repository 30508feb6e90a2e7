"""Passwords, as Argon2id in the PHC form: what stands in the database says itself how it was made."""

from __future__ import annotations

import os
import secrets
import threading

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

SHORTEST = 12
"""Characters of the shortest password a person may choose."""

# RFC 9106's second choice: about 64 MiB and a tenth of a second each.
_MEMORY_KIB = 64 * 1024
_PASSES = 3
# Each check holds its memory, so a flood of logins waits in line instead of filling the machine.
_AT_ONCE = threading.BoundedSemaphore(2)


class WeakPassword(ValueError):
    """A password that will not do; the message says why."""


def check_strength(password: str) -> None:
    """Raises WeakPassword."""
    if len(password) < SHORTEST:
        raise WeakPassword(f"a password has at least {SHORTEST} characters; this one has {len(password)}")
    if len(set(password)) < 5:
        raise WeakPassword("a password has at least five different characters")


def hash_password(password: str) -> str:
    """What to store."""
    kdf = Argon2id(salt=os.urandom(16), length=32, iterations=_PASSES, lanes=1, memory_cost=_MEMORY_KIB)
    with _AT_ONCE:
        return kdf.derive_phc_encoded(password.encode())


def verify_password(password: str, stored: str | None) -> bool:
    """Whether it is the password. None stands for a user who is not there, and costs the same time to refuse."""
    try:
        with _AT_ONCE:
            Argon2id.verify_phc_encoded(password.encode(), stored or _NOBODY)
    except InvalidKey:
        return False
    return stored is not None


def new_password() -> str:
    """A password to print once: 120 bits, in groups that can be read aloud."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(6)) for _ in range(4))


# The hash of a random text that nobody kept, made with the parameters above.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
