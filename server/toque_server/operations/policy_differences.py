"""Policies of a stack compared: which there are, and what changed from one to another (ruling 16)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from toque.protocol.messages import Manifest
from toque_server.domain.policy_difference import Change, changed_parts, changed_values, title
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Result, operation
from toque_server.store import cookbooks, policies, stacks

_RAISES = (ValidationException, ResourceNotFoundException)
_MOST_VALUES = 200


class DescribePolicyRevisions(Paged, frozen=True, kw_only=True):
    """The newest first, at most 100 on a page."""

    stack_id: str


class PolicyRevisionView(Result, frozen=True, kw_only=True):
    """`is_current`: the stack has not changed since."""

    version: int
    digest: str
    issued_at: datetime
    is_current: bool


class PolicyRevisionsDescribed(Result, frozen=True, kw_only=True):
    revisions: list[PolicyRevisionView]
    next_token: str | None


class DescribePolicyDifferences(Paged, frozen=True, kw_only=True):
    """`to_version` None: the newest. At most 1,000 parts on a page, 100 when `MaxResults` is not given."""

    largest: ClassVar[int] = 1000
    usual: ClassVar[int | None] = 100

    stack_id: str
    from_version: int
    to_version: int | None = None


class PolicyValueView(Result, frozen=True, kw_only=True):
    """A value as JSON text, at most 1,000 characters of it; absent on the side where it is not there."""

    path: str
    before: str | None
    after: str | None


class PolicyPartView(Result, frozen=True, kw_only=True):
    """One part that differs. `kind` is `stack`, `layer`, `instance`, `app`, `user`, `rds`, `elb` or `ecs`; `title` is
    what people call it. At most 200 values are shown; `more_values` counts the rest."""

    part: str
    kind: str
    title: str
    change: Change
    values: list[PolicyValueView]
    more_values: int


class CookbookChangeView(Result, frozen=True, kw_only=True):
    """A cookbook's version before and after; absent where it is not there. The same twice: only its files changed."""

    name: str
    before: str | None
    after: str | None


class PolicyBundleView(Result, frozen=True, kw_only=True):
    """A bundle of cookbooks that differs: `builtin` are those that we ship, `custom` the stack's own."""

    bundle: str
    before: str | None
    after: str | None
    cookbooks: list[CookbookChangeView]


class PolicyDifferencesDescribed(Result, frozen=True, kw_only=True):
    from_version: int
    to_version: int
    parts: list[PolicyPartView]
    bundles: list[PolicyBundleView]
    next_token: str | None


@operation(permission=Permission.SHOW, target=TOQUE, stack="stack_id", raises=_RAISES)
def describe_policy_revisions(ctx: Context, req: DescribePolicyRevisions) -> PolicyRevisionsDescribed:
    """Describe which policies of a stack are kept: at least the newest eight, and those of open commands."""
    stack = stacks.get(ctx.conn, req.stack_id)
    kept = policies.listed(ctx.conn, req.stack_id)
    shown, token = page(ctx, req, kept, key=lambda each: f"{(1 << 63) - each.version:020}")
    return PolicyRevisionsDescribed(
        revisions=[
            PolicyRevisionView(
                version=each.version,
                digest=each.digest,
                issued_at=each.issued_at,
                is_current=each.version == kept[0].version and stack is not None and stack.change == each.change,
            )
            for each in shown
        ],
        next_token=token,
    )


@operation(permission=Permission.SHOW, target=TOQUE, stack="stack_id", raises=_RAISES)
def describe_policy_differences(ctx: Context, req: DescribePolicyDifferences) -> PolicyDifferencesDescribed:
    """Describe what changed from one policy of a stack to another: which parts, and in each every value.

    Secrets, custom JSON and data bags are in no policy, and therefore not here.
    """
    newest = policies.newest(ctx.conn, req.stack_id)
    to_version = req.to_version if req.to_version is not None or newest is None else newest.version
    before, after = _manifest(ctx, req.stack_id, req.from_version), _manifest(ctx, req.stack_id, to_version)
    changes = changed_parts(before.parts, after.parts)
    shown, token = page(ctx, req, changes, key=lambda part: part)
    digests = [manifest.parts[part] for part in shown for manifest in (before, after) if part in manifest.parts]
    bodies = policies.bodies(ctx.conn, req.stack_id, digests)
    return PolicyDifferencesDescribed(
        from_version=before.version,
        to_version=after.version,
        parts=[_part(part, changes[part], _body(bodies, before, part), _body(bodies, after, part)) for part in shown],
        bundles=_bundles(ctx, before, after),
        next_token=token,
    )


def _manifest(ctx: Context, stack_id: str, version: int | None) -> Manifest:
    signed = None if version is None else policies.signed_manifest(ctx.conn, stack_id, version)
    if signed is not None:
        return policies.manifest_of(signed)
    kept = ", ".join(str(each.version) for each in policies.listed(ctx.conn, stack_id)[::-1])
    if not kept:
        raise ResourceNotFoundException(
            f"Unable to find a policy of stack {stack_id}: there is none before its first command is handed out"
        )
    raise ResourceNotFoundException(f"Unable to find policy version {version} of stack {stack_id}: kept are {kept}")


def _body(bodies: Mapping[str, str], manifest: Manifest, part: str) -> dict[str, Any] | None:
    text = bodies.get(manifest.parts.get(part, ""))
    return None if text is None else msgspec.json.decode(text, type=dict[str, Any])


def _part(part: str, change: Change, before: dict[str, Any] | None, after: dict[str, Any] | None) -> PolicyPartView:
    values = changed_values(before or {}, after or {})
    return PolicyPartView(
        part=part,
        kind=part.partition("/")[0],
        title=title(part, after or before),
        change=change,
        values=[PolicyValueView(path=v.path, before=v.before, after=v.after) for v in values[:_MOST_VALUES]],
        more_values=max(0, len(values) - _MOST_VALUES),
    )


def _bundles(ctx: Context, before: Manifest, after: Manifest) -> list[PolicyBundleView]:
    was = {name: bundle.digest for name, bundle in before.bundles.items()}
    now = {name: bundle.digest for name, bundle in after.bundles.items()}
    return [
        PolicyBundleView(
            bundle=name,
            before=was.get(name),
            after=now.get(name),
            cookbooks=_cookbooks(_contents(ctx, was.get(name)), _contents(ctx, now.get(name))),
        )
        for name in changed_parts(was, now)
    ]


def _contents(ctx: Context, digest: str | None) -> dict[str, Any]:
    """What is in a bundle; nothing for those that we ship, which are files of the server's own."""
    found = None if digest is None else cookbooks.get(ctx.conn, digest)
    return {} if found is None else found.contents


def _cookbooks(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[CookbookChangeView]:
    return [
        CookbookChangeView(name=name, before=_version(before.get(name)), after=_version(after.get(name)))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _version(cookbook: Mapping[str, Any] | None) -> str | None:
    return None if cookbook is None else str(cookbook["version"])
