"""Policies of users: documents in IAM's language, and predefined ones (chapter 07 § 4). OpsWorks left them to IAM."""

from __future__ import annotations

import difflib
import re
from datetime import datetime

import msgspec

from toque_server.domain.predefined_policies import FULL_ACCESS, PREDEFINED, PredefinedPolicy, find
from toque_server.domain.user import User
from toque_server.domain.user_policy import exact_actions, parse
from toque_server.operations import access
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import OPERATIONS, TOQUE, Nothing, Permission, Request, Result, operation
from toque_server.store import sessions, user_policies, users
from toque_server.store.user_policies import UserPolicy

_RAISES = (ValidationException, ResourceNotFoundException)
_MOST = 20


class PutUserPolicy(Request, frozen=True, kw_only=True):
    """`policy_document` is JSON as IAM has it: `{"Version": "2012-10-17", "Statement": […]}`."""

    user_arn: str
    policy_name: str
    policy_document: str


class DeleteUserPolicy(Request, frozen=True, kw_only=True):
    user_arn: str
    policy_name: str


class AttachUserPolicy(Request, frozen=True, kw_only=True):
    """`policy` is the name or the ARN of a predefined policy: see DescribePredefinedPolicies."""

    user_arn: str
    policy: str


class DetachUserPolicy(Request, frozen=True, kw_only=True):
    user_arn: str
    policy: str


class DescribeUserPolicies(Request, frozen=True, kw_only=True):
    user_arn: str


class UserPolicyView(Result, frozen=True, kw_only=True):
    """One policy of a user. `policy_arn` is there where it is a predefined one."""

    policy_name: str
    policy_arn: str | None
    policy_document: str
    updated_at: datetime | None
    updated_by: str | None


class UserPoliciesDescribed(Result, frozen=True, kw_only=True):
    policies: list[UserPolicyView]


class PredefinedPolicyView(Result, frozen=True, kw_only=True):
    policy_name: str
    policy_arn: str
    description: str
    policy_document: str


class PredefinedPoliciesDescribed(Result, frozen=True, kw_only=True):
    policies: list[PredefinedPolicyView]


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=_RAISES)
def put_user_policy(ctx: Context, req: PutUserPolicy) -> None:
    """Give a user a policy of his own, or replace the one of that name. It counts from his next request on.

    A policy that allows exceeds the user's levels, one that denies beats them; level `deny` beats both. Only
    administrators can do this, and nobody to himself. The user is signed out of the console.
    """
    user = _other(ctx, "PutUserPolicy", req.user_arn)
    if not re.fullmatch(r"[A-Za-z0-9+=,.@_-]{1,128}", req.policy_name):
        raise ValidationException(
            f"PolicyName {req.policy_name!r} is not allowed: 1 to 128 letters, digits, and any of + = , . @ _ -",
            field="PolicyName",
        )
    if req.policy_name in PREDEFINED:
        raise ValidationException(
            f"{req.policy_name} is a predefined policy: please attach it with AttachUserPolicy, or take another name",
            field="PolicyName",
        )
    _check_names(exact_actions(parse(req.policy_document)))
    _add(ctx, user, req.policy_name, document=req.policy_document)


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=_RAISES)
def delete_user_policy(ctx: Context, req: DeleteUserPolicy) -> None:
    """Take a policy of his own from a user. Only administrators can do this, and nobody to himself."""
    user = _other(ctx, "DeleteUserPolicy", req.user_arn)
    if req.policy_name in PREDEFINED:
        raise ValidationException(
            f"{req.policy_name} is a predefined policy: please use DetachUserPolicy", field="PolicyName"
        )
    _take(ctx, user, req.policy_name)


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=_RAISES)
def attach_user_policy(ctx: Context, req: AttachUserPolicy) -> None:
    """Attach a predefined policy to a user; the one for full access makes him an administrator.

    Only administrators can do this, and nobody to himself. The user is signed out of the console.
    """
    user, policy = _other(ctx, "AttachUserPolicy", req.user_arn), find(req.policy)
    if policy is FULL_ACCESS:
        _set_administrator(ctx, user, True)
    else:
        _add(ctx, user, policy.name)


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=_RAISES)
def detach_user_policy(ctx: Context, req: DetachUserPolicy) -> None:
    """Detach a predefined policy from a user. Only administrators can do this, and nobody to himself."""
    user, policy = _other(ctx, "DetachUserPolicy", req.user_arn), find(req.policy)
    if policy is FULL_ACCESS and user.administrator:
        _set_administrator(ctx, user, False)
    else:
        _take(ctx, user, policy.name)


@operation(permission=Permission.ADMINISTRATOR, target=TOQUE, raises=_RAISES)
def describe_user_policies(ctx: Context, req: DescribeUserPolicies) -> UserPoliciesDescribed:
    """Describe the policies of a user: his own and those attached to him."""
    user = _user(ctx, req.user_arn)
    found = [_predefined(FULL_ACCESS)] if user.administrator else []
    for each in user_policies.of_user(ctx.conn, user.arn):
        same = PREDEFINED.get(each.name) if each.predefined else None
        found.append(_own(each) if same is None else _predefined(same, each))
    return UserPoliciesDescribed(policies=found)


@operation(permission=Permission.ANY, target=TOQUE)
def describe_predefined_policies(ctx: Context, req: Nothing) -> PredefinedPoliciesDescribed:
    """Describe the policies that can be attached to users by name."""
    return PredefinedPoliciesDescribed(
        policies=[
            PredefinedPolicyView(
                policy_name=each.name,
                policy_arn=each.arn,
                description=each.description,
                policy_document=each.document,
            )
            for each in PREDEFINED.values()
        ]
    )


def _own(policy: UserPolicy) -> UserPolicyView:
    return UserPolicyView(
        policy_name=policy.name,
        policy_arn=None,
        policy_document=policy.document,
        updated_at=policy.updated_at,
        updated_by=policy.updated_by,
    )


def _predefined(policy: PredefinedPolicy, attached: UserPolicy | None = None) -> UserPolicyView:
    return UserPolicyView(
        policy_name=policy.name,
        policy_arn=policy.arn,
        policy_document=policy.document,
        updated_at=None if attached is None else attached.updated_at,
        updated_by=None if attached is None else attached.updated_by,
    )


def _add(ctx: Context, user: User, name: str, *, document: str = "") -> None:
    had = user_policies.of_user(ctx.conn, user.arn)
    if len(had) >= _MOST and name not in {each.name for each in had}:
        raise ValidationException(f"{user.name} has {_MOST} policies already: please delete one first")
    policy = UserPolicy(
        user_arn=user.arn,
        name=name,
        predefined=name in PREDEFINED,
        document=document,
        updated_at=ctx.now,
        updated_by=ctx.caller.arn,
    )
    user_policies.put(ctx.conn, policy)
    sessions.remove_of(ctx.conn, user.arn)


def _take(ctx: Context, user: User, name: str) -> None:
    if not user_policies.remove(ctx.conn, user.arn, name):
        raise ResourceNotFoundException(f"Unable to find policy {name} of {user.arn}")
    sessions.remove_of(ctx.conn, user.arn)


def _set_administrator(ctx: Context, user: User, administrator: bool) -> None:
    users.save(ctx.conn, msgspec.structs.replace(user, administrator=administrator))
    sessions.remove_of(ctx.conn, user.arn)


def _user(ctx: Context, arn: str) -> User:
    if (user := users.get(ctx.conn, arn)) is None:
        raise ResourceNotFoundException(f"Unable to find user with ARN {arn}")
    return user


def _other(ctx: Context, action: str, arn: str) -> User:
    """The user, who is not the caller; the caller is an administrator, for else a policy could make itself wider."""
    access.administrators_only(ctx, action, "only administrators give rights by policies")
    if arn == ctx.caller.arn:
        raise ValidationException("nobody can change his own policies: please ask another administrator")
    return _user(ctx, arn)


def _check_names(names: list[str]) -> None:
    """Refuse a name that is no action: a typing error in a Deny would else allow what it names."""
    known = {each.action.lower(): each.action for each in OPERATIONS.values()}
    for name in names:
        if name.lower() not in known:
            near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.6)
            hint = f" (did you mean opsworks:{known[near[0]]}?)" if near else ""
            raise ValidationException(
                f"PolicyDocument: there is no action opsworks:{name}{hint}", field="PolicyDocument"
            )
