"""Permissions: who may do what in a stack, and who has an account on its nodes (chapter 07 § 3)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from toque_server.domain.user import PermissionRecord, check_level, free_uid
from toque_server.operations import access
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import TOQUE, Nothing, Permission, Request, Result, operation
from toque_server.operations.user_sync import sync_users
from toque_server.store import permissions, users

_RAISES = (ValidationException, ResourceNotFoundException)


class SetPermission(Request, frozen=True, kw_only=True):
    stack_id: str
    iam_user_arn: str
    allow_ssh: bool | None = None
    allow_sudo: bool | None = None
    level: str | None = None


class DescribePermissions(Request, frozen=True, kw_only=True):
    iam_user_arn: str | None = None
    stack_id: str | None = None


class PermissionView(Result, frozen=True, kw_only=True):
    stack_id: str
    iam_user_arn: str
    allow_ssh: bool
    allow_sudo: bool
    level: str


class PermissionsDescribed(Result, frozen=True, kw_only=True):
    permissions: list[PermissionView]


@operation(permission=Permission.MANAGE, stack="stack_id", raises=_RAISES)
def set_permission(ctx: Context, req: SetPermission) -> None:
    """Set a user's level on a stack, and whether he has an account and sudo on its nodes.

    Members that are not sent stay. Nobody changes his own level. Accounts follow at once on online instances.
    """
    user = users.get(ctx.conn, req.iam_user_arn)
    if user is None or user.profile is None:
        raise ResourceNotFoundException(f"Unable to find user profile with ARN {req.iam_user_arn}")
    if req.level is not None:
        check_level(req.level)
        if req.iam_user_arn == ctx.caller.arn and not ctx.caller.is_owner:
            raise ValidationException("nobody can change his own Level: please ask another manager", field="Level")
    old = permissions.get(ctx.conn, req.stack_id, user.arn) or PermissionRecord(
        stack_id=req.stack_id, user_arn=user.arn
    )
    new = PermissionRecord(
        stack_id=req.stack_id,
        user_arn=user.arn,
        level=req.level or old.level,
        allow_ssh=old.allow_ssh if req.allow_ssh is None else req.allow_ssh,
        allow_sudo=old.allow_sudo if req.allow_sudo is None else req.allow_sudo,
    )
    if new.allow_ssh:
        _give_uid(ctx, user.arn)
    permissions.put(ctx.conn, new)
    if _account(old) != _account(new):
        revokes = _account(new) < _account(old)
        sync_users(ctx, [req.stack_id], revokes=revokes, cause=f"the rights of {user.name} changed")


def _asked_stacks(ctx: Context, req: DescribePermissions) -> Sequence[str]:
    if req.stack_id is not None:
        return [req.stack_id]
    if req.iam_user_arn is None:
        raise ValidationException("Please provide StackId, IamUserArn, or both")
    return [each.id for each in access.shown(ctx, "DescribePermissions", Permission.MANAGE)]


@operation(permission=Permission.MANAGE, stack=_asked_stacks, raises=_RAISES)
def describe_permissions(ctx: Context, req: DescribePermissions) -> PermissionsDescribed:
    """Describe the permissions of every user of a stack, of a user on every stack, or of one user on one stack."""
    people = users.listed(ctx.conn, None if req.iam_user_arn is None else [req.iam_user_arn])
    people = [each for each in people if each.profile is not None]
    if req.iam_user_arn is not None and not people:
        raise ResourceNotFoundException(f"Unable to find user profile with ARN {req.iam_user_arn}")
    return PermissionsDescribed(
        permissions=[
            _view(permissions.get(ctx.conn, stack_id, user.arn), stack_id, user.arn)
            for stack_id in _asked_stacks(ctx, req)
            for user in people
        ]
    )


@operation(permission=Permission.ANY, target=TOQUE)
def describe_my_permissions(ctx: Context, req: Nothing) -> PermissionsDescribed:
    """Describe what was set for the caller himself, stack by stack; on a stack that is not here he has `iam_only`."""
    mine = permissions.of_user(ctx.conn, ctx.caller.arn)
    return PermissionsDescribed(permissions=[_view(mine[id], id, ctx.caller.arn) for id in sorted(mine)])


def _view(record: PermissionRecord | None, stack_id: str, arn: str) -> PermissionView:
    found = record or PermissionRecord(stack_id=stack_id, user_arn=arn)
    return PermissionView(
        stack_id=stack_id,
        iam_user_arn=arn,
        allow_ssh=found.allow_ssh,
        allow_sudo=found.allow_sudo,
        level=found.level,
    )


def _account(record: PermissionRecord) -> tuple[bool, bool]:
    """What a node has of it: sudo without an account is nothing."""
    return record.allow_ssh, record.allow_ssh and record.allow_sudo


def _give_uid(ctx: Context, arn: str) -> None:
    """The user id of an account on nodes: given once, under a lock, so that no two users get the same."""
    users.lock_uids(ctx.conn)
    user = users.get(ctx.conn, arn)
    if user is None or user.profile is None or user.profile.uid is not None:
        return
    used = {each.profile.uid for each in users.listed(ctx.conn) if each.profile is not None}
    profile = msgspec.structs.replace(user.profile, uid=free_uid(used | users.held_uids(ctx.conn, ctx.now)))
    users.save(ctx.conn, msgspec.structs.replace(user, profile=profile))
