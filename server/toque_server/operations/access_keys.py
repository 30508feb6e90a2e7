"""Access keys and API tokens: how programs prove who they are. Each is shown once, when it is made."""

from __future__ import annotations

from datetime import datetime, timedelta

from toque_server.operations.context import Context
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.security.tokens import digest_of, new_access_key, new_api_token
from toque_server.store import access_keys, api_tokens, users

_RAISES = (ValidationException, ResourceNotFoundException)
_MOST = 10


class CreateAccessKey(Request, frozen=True, kw_only=True):
    """For the caller himself, or, by an administrator, for `user_arn`."""

    user_arn: str | None = None


class AccessKeyCreated(Result, frozen=True, kw_only=True):
    """`secret_access_key` is never shown again."""

    access_key_id: str
    secret_access_key: str
    user_arn: str


class DeleteAccessKey(Request, frozen=True, kw_only=True):
    access_key_id: str
    user_arn: str | None = None


class DescribeAccessKeys(Request, frozen=True, kw_only=True):
    user_arn: str | None = None


class AccessKeyView(Result, frozen=True, kw_only=True):
    access_key_id: str
    active: bool
    created_at: datetime
    last_used_at: datetime | None


class AccessKeysDescribed(Result, frozen=True, kw_only=True):
    access_keys: list[AccessKeyView]


class CreateApiToken(Request, frozen=True, kw_only=True):
    """`expires_in_days` None: until it is deleted."""

    label: str
    user_arn: str | None = None
    expires_in_days: int | None = None


class ApiTokenCreated(Result, frozen=True, kw_only=True):
    """`token` is never shown again; `token_id` names it."""

    token: str
    token_id: str
    user_arn: str
    expires_at: datetime | None


class DeleteApiToken(Request, frozen=True, kw_only=True):
    token_id: str
    user_arn: str | None = None


class DescribeApiTokens(Request, frozen=True, kw_only=True):
    user_arn: str | None = None


class ApiTokenView(Result, frozen=True, kw_only=True):
    token_id: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ApiTokensDescribed(Result, frozen=True, kw_only=True):
    api_tokens: list[ApiTokenView]


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def create_access_key(ctx: Context, req: CreateAccessKey) -> AccessKeyCreated:
    """Make an access key for AWS clients. Its secret is in this answer and nowhere else."""
    arn = _whose(ctx, "CreateAccessKey", req.user_arn)
    if len(access_keys.listed(ctx.conn, arn)) >= _MOST:
        raise ValidationException(f"{arn} has {_MOST} access keys already: please delete one first")
    key_id, secret = new_access_key()
    access_keys.add(ctx.conn, ctx.vault, access_key_id=key_id, secret=secret, user_arn=arn, at=ctx.now)
    return AccessKeyCreated(access_key_id=key_id, secret_access_key=secret, user_arn=arn)


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def delete_access_key(ctx: Context, req: DeleteAccessKey) -> None:
    """Delete an access key; requests signed with it fail from now on."""
    arn = _whose(ctx, "DeleteAccessKey", req.user_arn)
    if not access_keys.remove(ctx.conn, arn, req.access_key_id):
        raise ResourceNotFoundException(f"Unable to find access key {req.access_key_id} of {arn}")


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def describe_access_keys(ctx: Context, req: DescribeAccessKeys) -> AccessKeysDescribed:
    """Describe a user's access keys, without their secrets."""
    found = access_keys.listed(ctx.conn, _whose(ctx, "DescribeAccessKeys", req.user_arn))
    return AccessKeysDescribed(
        access_keys=[
            AccessKeyView(
                access_key_id=each.access_key_id,
                active=each.active,
                created_at=each.created_at,
                last_used_at=each.last_used_at,
            )
            for each in found
        ]
    )


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def create_api_token(ctx: Context, req: CreateApiToken) -> ApiTokenCreated:
    """Make a bearer token for `POST /api/…`. It is in this answer and nowhere else."""
    arn = _whose(ctx, "CreateApiToken", req.user_arn)
    if not req.label.isprintable() or len(req.label) > 128:
        raise ValidationException("Label must have 1 to 128 printable characters", field="Label")
    if req.expires_in_days is not None and not 0 < req.expires_in_days <= 3650:
        raise ValidationException("ExpiresInDays must be 1 to 3650", field="ExpiresInDays")
    token = new_api_token()
    expires_at = None if req.expires_in_days is None else ctx.now + timedelta(days=req.expires_in_days)
    token_id = api_tokens.add(
        ctx.conn, digest=digest_of(token), user_arn=arn, label=req.label, at=ctx.now, expires_at=expires_at
    )
    return ApiTokenCreated(token=token, token_id=token_id, user_arn=arn, expires_at=expires_at)


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def delete_api_token(ctx: Context, req: DeleteApiToken) -> None:
    """Delete an API token."""
    arn = _whose(ctx, "DeleteApiToken", req.user_arn)
    if not api_tokens.remove(ctx.conn, arn, req.token_id):
        raise ResourceNotFoundException(f"Unable to find API token {req.token_id} of {arn}")


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def describe_api_tokens(ctx: Context, req: DescribeApiTokens) -> ApiTokensDescribed:
    """Describe a user's API tokens, without the tokens themselves."""
    found = api_tokens.listed(ctx.conn, _whose(ctx, "DescribeApiTokens", req.user_arn))
    return ApiTokensDescribed(
        api_tokens=[
            ApiTokenView(
                token_id=each.id,
                label=each.label,
                created_at=each.created_at,
                expires_at=each.expires_at,
                last_used_at=each.last_used_at,
            )
            for each in found
        ]
    )


def _whose(ctx: Context, action: str, arn: str | None) -> str:
    """The caller, or somebody else where the caller is an administrator."""
    wanted = arn or ctx.caller.arn
    if wanted != ctx.caller.arn and not ctx.caller.sees_all:
        raise AccessDeniedException(ctx.caller.arn, action, wanted)
    if users.get(ctx.conn, wanted) is None:
        raise ResourceNotFoundException(f"Unable to find user with ARN {wanted}")
    return wanted
