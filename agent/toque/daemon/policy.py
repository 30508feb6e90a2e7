"""Which policy manifest may be used: never one older than the newest ever seen, never an expired one (S7)."""

from __future__ import annotations

from typing import Final

import msgspec

from toque.daemon.state import BadState, State
from toque.daemon.trust import NotBelieved
from toque.protocol.durable import write_durably
from toque.protocol.messages import Manifest

FARTHEST_JUMP: Final = 1 << 31
"""A version so much higher than the last is an attack that would lock the node out for ever."""


class Seen(msgspec.Struct, frozen=True):
    """The memory that survives restarts: highest (recovery epoch, version), and the latest signed time.

    `fresh_version` is the version that the server vouched for in answer to our own nonce, `fresh_until` how long
    that vouching holds: freshness that needs no clock of ours (security.md 2.7).
    """

    recovery_epoch: int = 0
    version: int = 0
    signed_now: float = 0.0
    fresh_version: int = 0
    fresh_until: float = 0.0


def load_seen(state: State) -> Seen:
    try:
        return msgspec.json.decode(state.policy.read_bytes(), type=Seen)
    except FileNotFoundError:
        return Seen()
    except msgspec.DecodeError as wrong:
        raise BadState(f"{state.policy} is damaged ({wrong}): enrol again with a new token") from wrong


def save_seen(state: State, seen: Seen) -> None:
    write_durably(state.policy, msgspec.json.encode(seen))


def accept(seen: Seen, manifest: Manifest) -> Seen:
    """The memory after this manifest; NotBelieved when it is older than what was seen, or absurdly newer."""
    if (manifest.recovery_epoch, manifest.version) < (seen.recovery_epoch, seen.version):
        raise NotBelieved("policy_rollback", f"version {manifest.version} after {seen.version}")
    if (
        manifest.recovery_epoch == seen.recovery_epoch
        and seen.version
        and manifest.version - seen.version > FARTHEST_JUMP
    ):
        raise NotBelieved("policy_jump", f"version {manifest.version} after {seen.version}")
    return msgspec.structs.replace(seen, recovery_epoch=manifest.recovery_epoch, version=manifest.version)


def vouched(seen: Seen, manifest: Manifest) -> Seen:
    """The memory after a manifest that was signed over our nonce."""
    seen = accept(seen, manifest)
    return msgspec.structs.replace(
        seen,
        fresh_version=manifest.version,
        fresh_until=manifest.expires_at,
        signed_now=max(seen.signed_now, manifest.issued_at),
    )


def is_expired(seen: Seen, manifest: Manifest, now: float) -> bool:
    """Whether this manifest is past its date by the best clock there is, and nobody vouched for it since."""
    now = max(now, seen.signed_now)
    return manifest.expires_at <= now and not (seen.fresh_version == manifest.version and seen.fresh_until > now)
