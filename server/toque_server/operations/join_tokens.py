"""Join tokens: with one, a machine comes to a stack (chapter 10, S1)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from toque.protocol.keys import load_signing_key, public_bytes
from toque.protocol.tokens import JoinToken
from toque_server.domain.layer import check_together
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import join_tokens

_RAISES = (ValidationException, ResourceNotFoundException)
_LONGEST = 24 * 60
_MOST_USES = 1000


class CreateJoinToken(Request, frozen=True, kw_only=True):
    """For a new machine in these layers, or for the machine of an instance that is there already."""

    stack_id: str
    layer_ids: list[str] | None = None
    instance_id: str | None = None
    expires_in_minutes: int = 60
    uses: int = 1


class JoinTokenCreated(Result, frozen=True, kw_only=True):
    """`token` is a secret and never shown again; `enrol_command` is what to run on the machine, as root."""

    token: str
    token_id: str
    expires_at: datetime
    enrol_command: str


class RevokeJoinToken(Request, frozen=True, kw_only=True):
    stack_id: str
    token_id: str


class DescribeJoinTokens(Paged, frozen=True, kw_only=True):
    """At most 1,000 on a page."""

    largest: ClassVar[int] = 1000

    stack_id: str


class JoinTokenView(Result, frozen=True, kw_only=True):
    token_id: str
    layer_ids: tuple[str, ...]
    instance_id: str | None
    uses_left: int
    created_at: datetime
    expires_at: datetime
    created_by: str


class JoinTokensDescribed(Result, frozen=True, kw_only=True):
    join_tokens: list[JoinTokenView]
    next_token: str | None


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=_RAISES)
def create_join_token(ctx: Context, req: CreateJoinToken) -> JoinTokenCreated:
    """Make a token with which a machine joins a stack: once, and within an hour, unless you say otherwise.

    Several uses are for images from which many machines start; they must name their number.
    """
    if not 0 < req.expires_in_minutes <= _LONGEST:
        raise ValidationException(
            f"ExpiresInMinutes must be 1 to {_LONGEST}, not {req.expires_in_minutes}", field="ExpiresInMinutes"
        )
    if not 0 < req.uses <= _MOST_USES:
        raise ValidationException(f"Uses must be 1 to {_MOST_USES}, not {req.uses}", field="Uses")
    if req.instance_id is not None and (req.layer_ids or req.uses != 1):
        raise ValidationException("a token for one instance has no LayerIds, and one use", field="InstanceId")
    chosen = finding.layers_of(ctx, req.stack_id, req.layer_ids or ())
    check_together(chosen)
    if req.instance_id is not None and finding.instance(ctx, req.instance_id).stack_id != req.stack_id:
        raise ResourceNotFoundException(f"Unable to find instance with ID {req.instance_id} in stack {req.stack_id}")
    seed = secrets.token_bytes(32)
    token = JoinToken(id=secrets.token_hex(8), seed=seed, root_fingerprint=ctx.services.keys.root_fingerprint)
    expires_at = ctx.now + timedelta(minutes=req.expires_in_minutes)
    join_tokens.add(
        ctx.conn,
        join_tokens.Token(
            id=token.id,
            stack_id=req.stack_id,
            public=public_bytes(load_signing_key(seed)),
            instance_id=req.instance_id,
            layer_ids=tuple(each.id for each in chosen),
            uses_left=req.uses,
            expires_at=expires_at,
            created_at=ctx.now,
            created_by=ctx.caller.arn,
        ),
    )
    return JoinTokenCreated(
        token=token.text,
        token_id=token.id,
        expires_at=expires_at,
        enrol_command=f"toque agent enrol --server {ctx.settings.public_url} --token {token.text}",
    )


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=_RAISES)
def revoke_join_token(ctx: Context, req: RevokeJoinToken) -> None:
    """Take a join token back; machines that have joined with it stay."""
    token = join_tokens.get(ctx.conn, req.token_id)
    if token is None or token.stack_id != req.stack_id:
        raise ResourceNotFoundException(f"Unable to find join token {req.token_id} in stack {req.stack_id}")
    join_tokens.revoke(ctx.conn, token.id)


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=_RAISES)
def describe_join_tokens(ctx: Context, req: DescribeJoinTokens) -> JoinTokensDescribed:
    """Describe a stack's join tokens that can still be used, the oldest first, without the tokens themselves."""
    usable = [
        each
        for each in join_tokens.of_stack(ctx.conn, req.stack_id)
        if each.uses_left > 0 and each.expires_at > ctx.now
    ]
    shown, token = page(
        ctx, req, usable, key=lambda each: f"{each.created_at.isoformat('T', 'microseconds')} {each.id}"
    )
    return JoinTokensDescribed(
        join_tokens=[
            JoinTokenView(
                token_id=each.id,
                layer_ids=each.layer_ids,
                instance_id=each.instance_id,
                uses_left=each.uses_left,
                created_at=each.created_at,
                expires_at=each.expires_at,
                created_by=each.created_by,
            )
            for each in shown
        ],
        next_token=token,
    )
