"""Users of this installation: principals with keys, tokens and passwords. OpsWorks left them to IAM."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec

from toque_server.domain.user import User, check_user_name, user_arn
from toque_server.operations import access
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, page
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.operations.user_profiles import DeleteUserProfile, delete_user_profile, new_profile
from toque_server.operations.wire import Clearable
from toque_server.security.passwords import WeakPassword, check_strength, hash_password
from toque_server.store import sessions, users

_RAISES = (ValidationException, ResourceNotFoundException)
_ONLY = "only administrators make, change and delete administrators"


class CreateUser(Request, frozen=True, kw_only=True):
    user_name: str
    administrator: bool = False
    password: str | None = None
    ssh_username: str | None = None
    ssh_public_key: str | None = None
    allow_self_management: bool = False


class UserCreated(Result, frozen=True, kw_only=True):
    user_arn: str


class UpdateUser(Request, frozen=True, kw_only=True):
    """`password` "": he cannot sign in to the console any more; his keys and tokens stay."""

    user_arn: str
    administrator: bool | None = None
    password: Clearable = None


class DeleteUser(Request, frozen=True, kw_only=True):
    """`cascade` also deletes the profile, with the accounts on the nodes; without it the profile must be gone."""

    user_arn: str
    cascade: bool = False


class UserView(Result, frozen=True, kw_only=True):
    user_arn: str
    name: str
    administrator: bool
    has_profile: bool
    has_password: bool
    created_at: datetime


class UsersDescribed(Result, frozen=True, kw_only=True):
    users: list[UserView]
    next_token: str | None


class DescribeUsers(Paged, frozen=True, kw_only=True):
    """All, or the named ones; at most 1,000 on a page."""

    largest: ClassVar[int] = 1000

    user_arns: list[str] | None = None


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=(ValidationException,))
def create_user(ctx: Context, req: CreateUser) -> UserCreated:
    """Create a user and his profile. With a password he can sign in to the console; keys are made by CreateAccessKey.

    An administrator may do everything; others get their rights stack by stack with SetPermission.
    """
    if req.administrator:
        access.administrators_only(ctx, "CreateUser", _ONLY)
    name = check_user_name(req.user_name)
    if users.by_name(ctx.conn, name) is not None:
        raise ValidationException(f"there is a user called {name} already", field="UserName")
    profile = new_profile(
        ctx,
        name,
        wanted=req.ssh_username,
        ssh_public_key=req.ssh_public_key,
        allow_self_management=req.allow_self_management,
    )
    user = User(
        arn=user_arn(ctx.account_id, name),
        name=name,
        administrator=req.administrator,
        created_at=ctx.now,
        profile=profile,
    )
    users.add(ctx.conn, user, password=None if req.password is None else hashed(req.password))
    return UserCreated(user_arn=user.arn)


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=_RAISES)
def update_user(ctx: Context, req: UpdateUser) -> None:
    """Make a user an administrator or not, or set his password. Either signs him out everywhere.

    Only administrators make administrators, and change or delete them.
    """
    user = _user(ctx, req.user_arn)
    if user.administrator or req.administrator:
        access.administrators_only(ctx, "UpdateUser", _ONLY)
    if req.administrator is not None and user.arn == ctx.caller.arn:
        raise ValidationException("nobody can change his own rights: please ask another administrator")
    if req.administrator is not None:
        users.save(ctx.conn, msgspec.structs.replace(user, administrator=req.administrator))
    if req.password is not None:
        users.set_password(ctx.conn, user.arn, hashed(req.password) if req.password else None)
    sessions.remove_of(ctx.conn, user.arn)


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=_RAISES)
def delete_user(ctx: Context, req: DeleteUser) -> None:
    """Delete a user with all his keys, tokens and sessions."""
    user = _user(ctx, req.user_arn)
    if user.administrator:
        access.administrators_only(ctx, "DeleteUser", _ONLY)
    if user.arn == ctx.caller.arn:
        raise ValidationException("nobody can delete himself: please ask another administrator")
    if user.profile is not None and not req.cascade:
        raise ValidationException(
            f"{user.name} has a user profile: please delete it first with DeleteUserProfile, or send Cascade",
            field="UserArn",
        )
    if user.profile is not None:
        delete_user_profile(ctx, DeleteUserProfile(iam_user_arn=user.arn))
    users.remove(ctx.conn, user.arn)


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=_RAISES)
def describe_users(ctx: Context, req: DescribeUsers) -> UsersDescribed:
    """Describe the users of the installation, by name."""
    found = users.listed(ctx.conn, req.user_arns)
    for missing in sorted({*(req.user_arns or ())} - {each.arn for each in found}):
        raise ResourceNotFoundException(f"Unable to find user with ARN {missing}")
    shown, token = page(ctx, req, found, key=lambda each: each.name)
    with_password = users.with_password(ctx.conn)
    return UsersDescribed(
        users=[
            UserView(
                user_arn=each.arn,
                name=each.name,
                administrator=each.administrator,
                has_profile=each.profile is not None,
                has_password=each.arn in with_password,
                created_at=each.created_at,
            )
            for each in shown
        ],
        next_token=token,
    )


def _user(ctx: Context, arn: str) -> User:
    if (user := users.get(ctx.conn, arn)) is None:
        raise ResourceNotFoundException(f"Unable to find user with ARN {arn}")
    return user


def hashed(password: str, field: str = "Password") -> str:
    """What is stored of a password. Raises ValidationException for a weak one."""
    try:
        check_strength(password)
    except WeakPassword as error:
        raise ValidationException(str(error), field=field) from error
    return hash_password(password)
