"""Attributes at the levels that OpsWorks did not have: a layer, an app, an instance (D14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from toque_server.domain.custom_json import parse
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.judged_settings import check_saved
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import attributes

_RAISES = (ValidationException, ResourceNotFoundException)

Level = Literal["layer", "app", "instance"]


class SetAttributes(Request, frozen=True, kw_only=True):
    """`custom_json` is a JSON object as text, at most 120 KB, kept byte for byte; `{}` takes the attributes away."""

    level: Level
    owner_id: str
    custom_json: str


class DescribeAttributes(Paged, frozen=True, kw_only=True):
    """Of a whole stack, of one level, or of the named objects; at most 100 on a page."""

    stack_id: str
    level: Level | None = None
    owner_ids: list[str] | None = None


class AttributesView(Result, frozen=True, kw_only=True):
    level: str
    owner_id: str
    custom_json: str
    updated_at: datetime
    updated_by: str


class AttributesDescribed(Result, frozen=True, kw_only=True):
    attributes: list[AttributesView]
    next_token: str | None


def _stack_of_owner(ctx: Context, req: Any) -> Sequence[str]:
    return list(finding.stack_of(req.level, "owner_id")(ctx, req) or ())


@operation(permission=Permission.MANAGE, target=TOQUE, stack=_stack_of_owner, raises=_RAISES)
def set_attributes(ctx: Context, req: SetAttributes) -> None:
    """Set the attributes of a layer, an app or an instance, whole. Nodes see them with their next run.

    A layer's stand above its CustomJson; an instance's go before those of all its layers; an app's are seen as
    `node["apps"][shortname]`, and join the chain in commands that name the app. What stands under the name of a
    cookbook of the stack must fit its settings.
    """
    value = parse(req.custom_json)
    found = finding.owner(ctx, req.level, req.owner_id)
    if not value:
        attributes.remove(ctx.conn, found.stack_id, req.level, req.owner_id)
        return
    was = attributes.of(ctx.conn, ctx.vault, found.stack_id, owner_ids=[req.owner_id]).get(req.owner_id)
    digest = finding.stack(ctx, found.stack_id).cookbook_digest
    check_saved(ctx, digest, req.custom_json, None if was is None else was.text)
    attributes.put(
        ctx.conn,
        ctx.vault,
        found.stack_id,
        req.level,
        req.owner_id,
        req.custom_json,
        at=ctx.now,
        by=ctx.caller.arn,
    )


@operation(permission=Permission.SHOW, target=TOQUE, stack="stack_id", raises=_RAISES)
def describe_attributes(ctx: Context, req: DescribeAttributes) -> AttributesDescribed:
    """Describe the attributes that were set on a stack's layers, apps and instances, or on the named ones."""
    found = attributes.of(ctx.conn, ctx.vault, req.stack_id, owner_ids=req.owner_ids).values()
    wanted = (each for each in found if req.level in (None, each.level))
    shown, token = page(ctx, req, wanted, key=lambda each: f"{each.level} {each.owner_id}")
    return AttributesDescribed(
        attributes=[
            AttributesView(
                level=each.level,
                owner_id=each.owner_id,
                custom_json=each.text,
                updated_at=each.updated_at,
                updated_by=each.updated_by,
            )
            for each in shown
        ],
        next_token=token,
    )
