"""When a stack's policy must be made anew, and what it consists of (ruling 16, security.md 2.9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from toque.protocol.messages import BundleRef, Manifest

LIFE = timedelta(hours=72)
"""An agent starts no new command under a manifest older than this."""

RENEW_AFTER = timedelta(hours=6)
"""A manifest older than this is issued again, though nothing changed."""

SHARED_FOR = timedelta(seconds=5)
"""Commands of one cause that are dispatched within this time run against the same policy."""


class Issued(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as the store remembers it, without the manifest's bytes."""

    version: int
    change: int
    issued_at: datetime
    digest: str


def must_issue(newest: Issued | None, change: int, now: datetime) -> bool:
    """True if a dispatch at `now` needs a new policy: there is none, something changed, or it is about to grow old."""
    return newest is None or newest.change < change or now - newest.issued_at >= RENEW_AFTER


def shares(first_dispatch: datetime | None, now: datetime) -> bool:
    """True if a command takes the policy of its cause's first dispatch instead of the newest one."""
    return first_dispatch is not None and now - first_dispatch < SHARED_FOR


def manifest(
    *,
    installation_id: str,
    stack_id: str,
    recovery_epoch: int,
    version: int,
    now: datetime,
    parts: Mapping[str, str],
    bundles: Mapping[str, BundleRef],
    nonce: str = "",
) -> Manifest:
    """The manifest of one version: digests only, nothing that must be kept from any node of the stack."""
    return Manifest(
        installation_id=installation_id,
        stack_id=stack_id,
        recovery_epoch=recovery_epoch,
        version=version,
        issued_at=now.timestamp(),
        expires_at=(now + LIFE).timestamp(),
        parts=dict(sorted(parts.items())),
        bundles=dict(sorted(bundles.items())),
        nonce=nonce,
    )
