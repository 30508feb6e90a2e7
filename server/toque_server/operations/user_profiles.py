"""User profiles: who a user is on the nodes (chapter 07 §§ 2 and 6)."""

from __future__ import annotations

import msgspec

from toque_server.domain.user import Profile, User, check_public_keys, name_of, ssh_username
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import Nothing, Permission, Request, Result, operation
from toque_server.operations.user_sync import sync_users
from toque_server.operations.wire import Clearable
from toque_server.store import permissions, users

_RAISES = (ValidationException, ResourceNotFoundException)


class CreateUserProfile(Request, frozen=True, kw_only=True):
    iam_user_arn: str
    ssh_username: str | None = None
    ssh_public_key: str | None = None
    allow_self_management: bool | None = None


class UserProfileCreated(Result, frozen=True, kw_only=True):
    iam_user_arn: str


class UpdateUserProfile(Request, frozen=True, kw_only=True):
    iam_user_arn: str
    ssh_username: str | None = None
    ssh_public_key: Clearable = None
    allow_self_management: bool | None = None


class DeleteUserProfile(Request, frozen=True, kw_only=True):
    iam_user_arn: str


class DescribeUserProfiles(Request, frozen=True, kw_only=True):
    iam_user_arns: list[str] | None = None


class UserProfileView(Result, frozen=True, kw_only=True):
    iam_user_arn: str
    name: str
    ssh_username: str
    ssh_public_key: str | None
    allow_self_management: bool


class UserProfilesDescribed(Result, frozen=True, kw_only=True):
    user_profiles: list[UserProfileView]


class MyUserProfile(Result, frozen=True, kw_only=True):
    iam_user_arn: str
    name: str
    ssh_username: str | None
    ssh_public_key: str | None


class MyUserProfileDescribed(Result, frozen=True, kw_only=True):
    user_profile: MyUserProfile


class UpdateMyUserProfile(Request, frozen=True, kw_only=True):
    ssh_public_key: Clearable = None


@operation(permission=Permission.ADMINISTRATOR, raises=(ValidationException,))
def create_user_profile(ctx: Context, req: CreateUserProfile) -> UserProfileCreated:
    """Import a user: he then stands on every stack's list, at `iam_only`.

    The SSH user name is made from the ARN where none is sent; punctuation in it is dropped, and a number put behind it
    where it is taken.
    """
    name = name_of(req.iam_user_arn)
    known = users.get(ctx.conn, req.iam_user_arn)
    if known is not None and known.profile is not None:
        raise ValidationException(f"{req.iam_user_arn} has a profile already", field="IamUserArn")
    profile = new_profile(
        ctx,
        name,
        wanted=req.ssh_username,
        ssh_public_key=req.ssh_public_key,
        allow_self_management=bool(req.allow_self_management),
    )
    if known is not None:
        users.save(ctx.conn, msgspec.structs.replace(known, profile=profile))
    else:
        if users.by_name(ctx.conn, name) is not None:
            raise ValidationException(f"there is another user called {name}", field="IamUserArn")
        users.add(ctx.conn, User(arn=req.iam_user_arn, name=name, created_at=ctx.now, profile=profile))
    return UserProfileCreated(iam_user_arn=req.iam_user_arn)


@operation(permission=Permission.ADMINISTRATOR, raises=_RAISES)
def update_user_profile(ctx: Context, req: UpdateUserProfile) -> None:
    """Change a profile; accounts on the nodes follow at once. An empty SSH key takes the key away."""
    user, old = _profile(ctx, req.iam_user_arn)
    new = old
    if req.ssh_username is not None:
        taken = _usernames(ctx) - {old.ssh_username}
        new = msgspec.structs.replace(new, ssh_username=ssh_username(req.ssh_username, user.name, taken))
    if req.ssh_public_key is not None:
        new = msgspec.structs.replace(new, ssh_public_key=_key(req.ssh_public_key))
    if req.allow_self_management is not None:
        new = msgspec.structs.replace(new, allow_self_management=req.allow_self_management)
    _save(ctx, user, old, new)


@operation(permission=Permission.ADMINISTRATOR, raises=_RAISES)
def delete_user_profile(ctx: Context, req: DeleteUserProfile) -> None:
    """Take a user off every stack's list and off every node. His way into the console and his keys stay.

    His user id on the nodes is given to nobody else for 90 days.
    """
    user, profile = _profile(ctx, req.iam_user_arn)
    if profile.uid is not None:
        users.hold_uid(ctx.conn, profile.uid, ctx.now)
    on_nodes = _stacks_with_account(ctx, user.arn)
    for record in permissions.of_user(ctx.conn, user.arn).values():
        permissions.remove(ctx.conn, record.stack_id, user.arn)
    users.save(ctx.conn, msgspec.structs.replace(user, profile=None))
    sync_users(ctx, on_nodes, revokes=True, cause=f"user {user.name} was deleted")


@operation(permission=Permission.ADMINISTRATOR, raises=_RAISES)
def describe_user_profiles(ctx: Context, req: DescribeUserProfiles) -> UserProfilesDescribed:
    """Describe the named profiles, or all."""
    found = {each.arn: each for each in users.listed(ctx.conn, req.iam_user_arns) if each.profile is not None}
    for arn in req.iam_user_arns or ():
        if arn not in found:
            raise ResourceNotFoundException(f"Unable to find user profile with ARN {arn}")
    return UserProfilesDescribed(
        user_profiles=[
            UserProfileView(
                iam_user_arn=each.arn,
                name=each.name,
                ssh_username=each.profile.ssh_username,
                ssh_public_key=each.profile.ssh_public_key,
                allow_self_management=each.profile.allow_self_management,
            )
            for each in found.values()
            if each.profile is not None
        ]
    )


@operation(permission=Permission.SELF)
def describe_my_user_profile(ctx: Context, req: Nothing) -> MyUserProfileDescribed:
    """Describe the caller's own profile."""
    user = users.get(ctx.conn, ctx.caller.arn)
    profile = user.profile if user is not None else None
    return MyUserProfileDescribed(
        user_profile=MyUserProfile(
            iam_user_arn=ctx.caller.arn,
            name=ctx.caller.name,
            ssh_username=None if profile is None else profile.ssh_username,
            ssh_public_key=None if profile is None else profile.ssh_public_key,
        )
    )


@operation(permission=Permission.SELF, raises=(ValidationException,))
def update_my_user_profile(ctx: Context, req: UpdateMyUserProfile) -> None:
    """Set one's own SSH key; an empty one deletes it. The new key goes to every node where the caller may log in."""
    if req.ssh_public_key is None:
        return
    try:
        user, old = _profile(ctx, ctx.caller.arn)
    except ResourceNotFoundException:
        raise ValidationException("you have no user profile: an administrator can create one") from None
    _save(ctx, user, old, msgspec.structs.replace(old, ssh_public_key=_key(req.ssh_public_key)))


def new_profile(
    ctx: Context,
    name: str,
    *,
    wanted: str | None = None,
    ssh_public_key: str | None = None,
    allow_self_management: bool = False,
) -> Profile:
    """A profile for a new user of this name, under a login name that nobody has."""
    return Profile(
        ssh_username=ssh_username(wanted, name, _usernames(ctx)),
        ssh_public_key=_key(ssh_public_key or ""),
        allow_self_management=allow_self_management,
    )


def _profile(ctx: Context, arn: str) -> tuple[User, Profile]:
    user = users.get(ctx.conn, arn)
    if user is None or user.profile is None:
        raise ResourceNotFoundException(f"Unable to find user profile with ARN {arn}")
    return user, user.profile


def _usernames(ctx: Context) -> set[str]:
    return {each.profile.ssh_username for each in users.listed(ctx.conn) if each.profile is not None}


def _key(text: str) -> str | None:
    return check_public_keys(text) if text.strip() else None


def _save(ctx: Context, user: User, old: Profile, new: Profile) -> None:
    users.save(ctx.conn, msgspec.structs.replace(user, profile=new))
    if (old.ssh_username, old.ssh_public_key) != (new.ssh_username, new.ssh_public_key):
        # A key that is replaced is a key that is taken away.
        revokes = old.ssh_public_key is not None and old.ssh_public_key != new.ssh_public_key
        where = _stacks_with_account(ctx, user.arn)
        sync_users(ctx, where, revokes=revokes, cause=f"the profile of {user.name} changed")


def _stacks_with_account(ctx: Context, arn: str) -> list[str]:
    return [each.stack_id for each in permissions.of_user(ctx.conn, arn).values() if each.allow_ssh]
