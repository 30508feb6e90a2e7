"""Policies: the signed manifest of what the nodes of a stack must be (ruling 16), to look at."""

from __future__ import annotations

from datetime import UTC, datetime

from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import policies, stacks


class DescribePolicy(Request, frozen=True, kw_only=True):
    """`version` None: the newest."""

    stack_id: str
    version: int | None = None


class PolicyView(Result, frozen=True, kw_only=True):
    """`parts` maps the name of each part to the SHA-256 of its content; `bundles` names the cookbooks' archives.

    `is_current` is false when the stack has changed since: the next dispatch makes a new one.
    """

    version: int
    digest: str
    issued_at: datetime
    expires_at: datetime
    is_current: bool
    signed_by: str
    parts: dict[str, str]
    bundles: dict[str, str]


class PolicyDescribed(Result, frozen=True, kw_only=True):
    policy: PolicyView


@operation(permission=Permission.SHOW, target=TOQUE, stack="stack_id", raises=(ResourceNotFoundException,))
def describe_policy(ctx: Context, req: DescribePolicy) -> PolicyDescribed:
    """Describe a stack's newest policy, or an older one that is kept.

    There is none before the first command of the stack was dispatched.
    """
    if req.version is None:
        issued = policies.newest(ctx.conn, req.stack_id)
    else:
        issued = policies.get(ctx.conn, req.stack_id, req.version)
    signed = None if issued is None else policies.signed_manifest(ctx.conn, req.stack_id, issued.version)
    if issued is None or signed is None:
        wanted = "a policy" if req.version is None else f"policy version {req.version}"
        raise ResourceNotFoundException(f"Unable to find {wanted} of stack {req.stack_id}")
    manifest = policies.manifest_of(signed)
    stack = stacks.get(ctx.conn, req.stack_id)
    return PolicyDescribed(
        policy=PolicyView(
            version=issued.version,
            digest=issued.digest,
            issued_at=issued.issued_at,
            expires_at=datetime.fromtimestamp(manifest.expires_at, UTC),
            is_current=stack is not None and stack.change == issued.change,
            signed_by=signed.key,
            parts=manifest.parts,
            bundles={name: bundle.digest for name, bundle in manifest.bundles.items()},
        )
    )
