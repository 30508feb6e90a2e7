"""Who this node is to its server: ids, keys, and the root key whose word it believes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from toque.daemon.state import BadState, State
from toque.protocol.durable import sync_directory, write_durably
from toque.protocol.keys import new_sealing_key, new_signing_key, read_sealing_key, read_signing_key, write_private
from toque.protocol.messages import Fingerprint, SignedObject

ROTATE_AFTER: Final = 30 * 86_400.0
"""Seconds between changes of the node's keys, give or take a tenth (S10)."""


class KeyPair(msgspec.Struct, frozen=True):
    """The name of a key's two files, and the id by which the server knows it, once it does."""

    files: str
    key_id: str = ""


class Identity(msgspec.Struct, frozen=True):
    """What enrolment gave. `other` is a second key pair that may be the valid one while keys change (S10);
    `rotate_at` is in seconds since the epoch, by the server's clock."""

    installation_id: str
    instance_id: str
    stack_id: str
    root_fingerprint: str
    root: SignedObject
    fingerprint: Fingerprint
    current: KeyPair
    other: KeyPair | None = None
    pending: KeyPair | None = None
    rotate_at: float = 0.0


@dataclass(frozen=True)
class Keys:
    """A key pair in memory."""

    key_id: str
    signing: Ed25519PrivateKey
    sealing: X25519PrivateKey


def load_identity(state: State) -> Identity | None:
    """The identity of this state directory; None before enrolment."""
    try:
        return msgspec.json.decode(state.identity.read_bytes(), type=Identity)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as wrong:
        raise BadState(f"{state.identity} is damaged ({wrong}): remove it and enrol with a new token") from wrong


def save_identity(state: State, identity: Identity) -> None:
    """Become this identity, in one step: after a crash the former one or this one stands."""
    write_durably(state.identity, msgspec.json.encode(identity))


def new_pair(state: State) -> KeyPair:
    """Make a key pair and write it durably, so that it is on disk before anybody hears of it."""
    name = secrets.token_hex(8)
    write_private(state.keys / f"{name}.sealing", new_sealing_key())
    write_private(state.keys / f"{name}.signing", new_signing_key())
    return KeyPair(name)


def load_keys(state: State, pair: KeyPair) -> Keys:
    signing = read_signing_key(state.keys / f"{pair.files}.signing")
    return Keys(pair.key_id, signing, read_sealing_key(state.keys / f"{pair.files}.sealing"))


def forget_stray_keys(state: State, identity: Identity) -> None:
    """Remove key files that the identity does not name: leftovers of a crash, and keys that are dead."""
    wanted = {pair.files for pair in (identity.current, identity.other, identity.pending) if pair is not None}
    for key in state.keys.iterdir():
        if key.stem not in wanted:
            key.unlink(missing_ok=True)
    sync_directory(state.keys)


def is_copy(enrolled: Fingerprint, here: Fingerprint) -> bool:
    """Whether this machine is another than the one that enrolled: a copied disk must not use its keys (S11)."""
    if enrolled.provider_instance_id and enrolled.provider_instance_id != here.provider_instance_id:
        return True
    return enrolled.machine_id != here.machine_id and enrolled.product_uuid != here.product_uuid
