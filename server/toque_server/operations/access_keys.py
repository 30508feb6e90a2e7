"""Access keys and API tokens: how programs prove who they are. Each is shown once, when it is made."""

from __future__ import annotations

from datetime import datetime, timedelta

from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.security.tokens import digest_of, new_access_key, new_api_token
from toque_server.store import access_keys, api_tokens

_RAISES = (ValidationException, ResourceNotFoundException)
_MOST = 10
_LONGEST_DAYS = 3650


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


class UpdateAccessKey(Request, frozen=True, kw_only=True):
    """`active` false: requests signed with it fail, until it is switched on again."""

    access_key_id: str
    active: bool
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


class UpdateApiToken(Request, frozen=True, kw_only=True):
    """What is not given stays. `expires_in_days` counts from now."""

    token_id: str
    label: str | None = None
    expires_in_days: int | None = None
    user_arn: str | None = None


class DescribeApiTokens(Paged, frozen=True, kw_only=True):
    """At most 100 on a page."""

    user_arn: str | None = None


class ApiTokenView(Result, frozen=True, kw_only=True):
    token_id: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class ApiTokensDescribed(Result, frozen=True, kw_only=True):
    api_tokens: list[ApiTokenView]
    next_token: str | None


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def create_access_key(ctx: Context, req: CreateAccessKey) -> AccessKeyCreated:
    """Make an access key for AWS clients. Its secret is in this answer and nowhere else."""
    arn = finding.whose(ctx, "CreateAccessKey", req.user_arn)
    if len(access_keys.listed(ctx.conn, arn)) >= _MOST:
        raise ValidationException(f"{arn} has {_MOST} access keys already: please delete one first")
    key_id, secret = new_access_key()
    access_keys.add(ctx.conn, ctx.vault, access_key_id=key_id, secret=secret, user_arn=arn, at=ctx.now)
    return AccessKeyCreated(access_key_id=key_id, secret_access_key=secret, user_arn=arn)


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def update_access_key(ctx: Context, req: UpdateAccessKey) -> None:
    """Switch an access key off or on, to see what needs it before it is deleted."""
    arn = finding.whose(ctx, "UpdateAccessKey", req.user_arn)
    if not access_keys.switch(ctx.conn, arn, req.access_key_id, active=req.active):
        raise _no_key(req.access_key_id, arn)


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def delete_access_key(ctx: Context, req: DeleteAccessKey) -> None:
    """Delete an access key; requests signed with it fail from now on."""
    arn = finding.whose(ctx, "DeleteAccessKey", req.user_arn)
    if not access_keys.remove(ctx.conn, arn, req.access_key_id):
        raise _no_key(req.access_key_id, arn)


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def describe_access_keys(ctx: Context, req: DescribeAccessKeys) -> AccessKeysDescribed:
    """Describe a user's access keys, without their secrets."""
    found = access_keys.listed(ctx.conn, finding.whose(ctx, "DescribeAccessKeys", req.user_arn))
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
    arn = finding.whose(ctx, "CreateApiToken", req.user_arn)
    _check_label(req.label)
    expires_at = _expiry(ctx, req.expires_in_days)
    token = new_api_token()
    token_id = api_tokens.add(
        ctx.conn, digest=digest_of(token), user_arn=arn, label=req.label, at=ctx.now, expires_at=expires_at
    )
    return ApiTokenCreated(token=token, token_id=token_id, user_arn=arn, expires_at=expires_at)


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def update_api_token(ctx: Context, req: UpdateApiToken) -> None:
    """Give an API token another label, or another end. One that has expired stays so."""
    arn = finding.whose(ctx, "UpdateApiToken", req.user_arn)
    found = next((each for each in api_tokens.listed(ctx.conn, arn) if each.id == req.token_id), None)
    if found is None:
        raise _no_token(req.token_id, arn)
    if found.expires_at is not None and found.expires_at <= ctx.now:
        raise ValidationException(f"API token {req.token_id} has expired: please make a new one", field="TokenId")
    if req.label is not None:
        _check_label(req.label)
    api_tokens.change(
        ctx.conn,
        arn,
        found.id,
        label=found.label if req.label is None else req.label,
        expires_at=_expiry(ctx, req.expires_in_days) or found.expires_at,
    )


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def delete_api_token(ctx: Context, req: DeleteApiToken) -> None:
    """Delete an API token."""
    arn = finding.whose(ctx, "DeleteApiToken", req.user_arn)
    if not api_tokens.remove(ctx.conn, arn, req.token_id):
        raise _no_token(req.token_id, arn)


@operation(permission=Permission.ANY, target=TOQUE, raises=_RAISES)
def describe_api_tokens(ctx: Context, req: DescribeApiTokens) -> ApiTokensDescribed:
    """Describe a user's API tokens, without the tokens themselves."""
    found = api_tokens.listed(ctx.conn, finding.whose(ctx, "DescribeApiTokens", req.user_arn))
    shown, token = page(ctx, req, found, key=lambda each: f"{each.created_at.isoformat('T', 'microseconds')} {each.id}")
    return ApiTokensDescribed(
        api_tokens=[
            ApiTokenView(
                token_id=each.id,
                label=each.label,
                created_at=each.created_at,
                expires_at=each.expires_at,
                last_used_at=each.last_used_at,
            )
            for each in shown
        ],
        next_token=token,
    )


def _no_key(id: str, arn: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"Unable to find access key {id} of {arn}")


def _no_token(id: str, arn: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"Unable to find API token {id} of {arn}")


def _expiry(ctx: Context, days: int | None) -> datetime | None:
    if days is None:
        return None
    if not 0 < days <= _LONGEST_DAYS:
        raise ValidationException(f"ExpiresInDays must be 1 to {_LONGEST_DAYS}, not {days}", field="ExpiresInDays")
    return ctx.now + timedelta(days=days)


def _check_label(label: str) -> None:
    if not label.isprintable() or len(label) > 128:
        raise ValidationException("Label must have 1 to 128 printable characters", field="Label")
