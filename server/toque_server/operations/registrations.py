"""IAM, as far as `aws opsworks register` needs it: six actions that make a registration identity (08 § 10.3).

They are declared like operations, and go through the same check, transaction and audit, but belong to neither target:
`http.iam_query` speaks their protocol. A user belongs to a stack from the moment it is in the group of that stack,
whose name holds the stack's id; before, its name only says which stacks may be meant.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from sqlalchemy.exc import IntegrityError

from toque_server.domain import registration_identity
from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ConflictException, ResourceNotFoundException, ValidationException
from toque_server.operations.provisioning import give_key
from toque_server.operations.registry import Operation, Permission, Request, Result, StackOf
from toque_server.store import registrations, stacks
from toque_server.store.registrations import Registration

IAM: Final = "IAM_20100508"
"""What stands for the target of an action of IAM, which has none."""

_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class EntityAlreadyExists(ConflictException):
    """The client takes the next name, or goes on with what is there."""

    code = "EntityAlreadyExists"


class LimitExceeded(ConflictException):
    code = "LimitExceeded"


class MalformedPolicyDocument(ValidationException):
    code = "MalformedPolicyDocument"


class CreateGroup(Request, frozen=True, kw_only=True):
    group_name: str
    path: str = "/"


class CreateUser(Request, frozen=True, kw_only=True):
    user_name: str
    path: str = "/"


class AddUserToGroup(Request, frozen=True, kw_only=True):
    group_name: str
    user_name: str


class AttachUserPolicy(Request, frozen=True, kw_only=True):
    user_name: str
    policy_arn: str


class PutUserPolicy(Request, frozen=True, kw_only=True):
    user_name: str
    policy_name: str
    policy_document: str


class CreateAccessKey(Request, frozen=True, kw_only=True):
    user_name: str


class Group(Result, frozen=True, kw_only=True):
    path: str
    group_name: str
    group_id: str
    arn: str
    create_date: str


class GroupCreated(Result, frozen=True, kw_only=True):
    group: Group


class User(Result, frozen=True, kw_only=True):
    path: str
    user_name: str
    user_id: str
    arn: str
    create_date: str


class UserCreated(Result, frozen=True, kw_only=True):
    user: User


class AccessKey(Result, frozen=True, kw_only=True):
    user_name: str
    access_key_id: str
    status: str
    secret_access_key: str
    create_date: str


class AccessKeyCreated(Result, frozen=True, kw_only=True):
    access_key: AccessKey


# -- which stack a request concerns ------------------------------------------------------------------------------------


def _of_group(ctx: Context, req: CreateGroup | AddUserToGroup) -> str:
    found = registration_identity.stack_id_of(req.group_name)
    if found is None:
        raise ValidationException(f"GroupName must be OpsWorks-<stack id>, not {req.group_name[:80]!r}")
    return found


def _of_name(ctx: Context, req: CreateUser) -> list[str]:
    """The stacks that the name may mean: those that the caller manages, or all when he manages none of them."""
    if not registration_identity.is_user_name(req.user_name):
        raise ValidationException("UserName must be OpsWorks-<stack name>-<machine>, with at most 64 characters")
    meant = [each.id for each in stacks.every(ctx.conn) if registration_identity.may_be_of(req.user_name, each.name)]
    managed = {each.id for each in access.shown(ctx, "iam:CreateUser", Permission.MANAGE)}
    return [id for id in meant if id in managed] or meant


def _of_user(ctx: Context, req: AttachUserPolicy | PutUserPolicy | CreateAccessKey) -> str:
    if (found := _known(ctx, req.user_name)) is None:
        raise access.not_found(ctx, f"iam:{type(req).__name__}", f"The user with name {req.user_name} cannot be found.")
    if found.stack_id is None:
        raise ValidationException(f"{req.user_name} is in no group yet: AddUserToGroup says to which stack it belongs")
    return found.stack_id


# -- the actions -------------------------------------------------------------------------------------------------------


def create_group(ctx: Context, req: CreateGroup) -> GroupCreated:
    """Make the group of a stack's registration identities."""
    _check_path(req.path)
    if registrations.has_group(ctx.conn, req.group_name):
        raise EntityAlreadyExists(f"Group with name {req.group_name} already exists.")
    stack_id = _of_group(ctx, req)
    _once(ctx, lambda: registrations.add_group(ctx.conn, req.group_name, stack_id=stack_id, at=ctx.now), req.group_name)
    return GroupCreated(
        group=Group(
            path=registration_identity.PATH,
            group_name=req.group_name,
            group_id=_id("AGPA", req.group_name),
            arn=registration_identity.arn(ctx.account_id, "group", req.group_name),
            create_date=f"{ctx.now:{_TIME}}",
        )
    )


def create_user(ctx: Context, req: CreateUser) -> UserCreated:
    """Make a registration identity. It is gone after a quarter of an hour, and its name is free again."""
    _check_path(req.path)
    if not _of_name(ctx, req):
        raise ResourceNotFoundException(f"There is no stack that a user {req.user_name} can be for.")
    registrations.prune(ctx.conn, ctx.now)
    if registrations.get(ctx.conn, req.user_name) is not None:
        raise EntityAlreadyExists(f"User with name {req.user_name} already exists.")
    made = Registration(
        name=req.user_name,
        created_at=ctx.now,
        created_by=ctx.caller.arn,
        expires_at=ctx.now + registration_identity.LIFE,
    )
    _once(ctx, lambda: registrations.add(ctx.conn, made), req.user_name)
    return UserCreated(
        user=User(
            path=registration_identity.PATH,
            user_name=req.user_name,
            user_id=_id("AIDA", f"{req.user_name} {ctx.now}"),
            arn=registration_identity.arn(ctx.account_id, "user", req.user_name),
            create_date=f"{ctx.now:{_TIME}}",
        )
    )


def add_user_to_group(ctx: Context, req: AddUserToGroup) -> None:
    """Let a registration identity belong to a stack, for good."""
    user, stack_id = _user(ctx, req.user_name), _of_group(ctx, req)
    if not registrations.has_group(ctx.conn, req.group_name):
        raise ResourceNotFoundException(f"The group with name {req.group_name} cannot be found.")
    stack = finding.stack(ctx, stack_id)
    if user.stack_id not in (None, stack_id) or not registration_identity.may_be_of(user.name, stack.name):
        raise ValidationException(f"{user.name} is a user for another stack than {stack.name} ({stack_id})")
    registrations.change(ctx.conn, user, msgspec.structs.replace(user, stack_id=stack_id))


def attach_user_policy(ctx: Context, req: AttachUserPolicy) -> None:
    """Let a registration identity register an instance. There is no other policy to attach."""
    if req.policy_arn != registration_identity.POLICY_ARN:
        there = registration_identity.POLICY_ARN
        raise ResourceNotFoundException(f"Policy {req.policy_arn} does not exist or is not attachable: use {there}")
    _allow(ctx, req.user_name)


def put_user_policy(ctx: Context, req: PutUserPolicy) -> None:
    """The same by a document. It grants opsworks:RegisterInstance, and what it says of time and stack changes nothing.

    What the identity may do is fixed: on its own stack, for a quarter of an hour.
    """
    _check_document(req.policy_document)
    _allow(ctx, req.user_name)


def create_access_key(ctx: Context, req: CreateAccessKey) -> AccessKeyCreated:
    """Make the one access key of a registration identity, good for one machine and a quarter of an hour."""
    user = _user(ctx, req.user_name)
    if not user.allowed:
        raise ValidationException(f"{user.name} has no policy yet, and could do nothing with a key: AttachUserPolicy")
    if user.access_key_id is not None:
        raise LimitExceeded(f"{user.name} has its access key already; make another user for another machine")
    access_key_id, secret = give_key(ctx, user.name)
    return AccessKeyCreated(
        access_key=AccessKey(
            user_name=user.name,
            access_key_id=access_key_id,
            status="Active",
            secret_access_key=secret,
            create_date=f"{ctx.now:{_TIME}}",
        )
    )


def _action(
    run: Callable[[Context, Any], Any], request: type[Request], result: type[Result] | None, stack: StackOf
) -> Operation:
    return Operation(
        name=f"iam:{request.__name__}",
        action=f"iam:{request.__name__}",
        target=IAM,
        request=request,
        result=result,
        permission=Permission.MANAGE,
        stack=stack,
        changes=True,
        raises=(ValidationException, ResourceNotFoundException, ConflictException),
        run=run,
        resource=_resource,
    )


def _resource(ctx: Context, req: Any) -> str:
    """The group or the user that a request is about: policies of users speak of these."""
    group = getattr(req, "group_name", None)
    return registration_identity.arn(ctx.account_id, "group" if group else "user", group or req.user_name)


ACTIONS: Final[Mapping[str, Operation]] = {
    op.request.__name__: op
    for op in (
        _action(create_group, CreateGroup, GroupCreated, _of_group),
        _action(create_user, CreateUser, UserCreated, _of_name),
        _action(add_user_to_group, AddUserToGroup, None, _of_group),
        _action(attach_user_policy, AttachUserPolicy, None, _of_user),
        _action(put_user_policy, PutUserPolicy, None, _of_user),
        _action(create_access_key, CreateAccessKey, AccessKeyCreated, _of_user),
    )
}
"""Every action there is, by its name in the protocol."""


def _known(ctx: Context, name: str) -> Registration | None:
    """The identity of this name, as long as its time is not over. No name of another form reaches the database."""
    found = registrations.get(ctx.conn, name) if registration_identity.is_user_name(name) else None
    return None if found is None or found.expires_at <= ctx.now else found


def _user(ctx: Context, name: str) -> Registration:
    if (found := _known(ctx, name)) is None:
        raise ResourceNotFoundException(f"The user with name {name} cannot be found.")
    return found


def _allow(ctx: Context, name: str) -> None:
    user = _user(ctx, name)
    registrations.change(ctx.conn, user, msgspec.structs.replace(user, allowed=True))


def _once(ctx: Context, add: Callable[[], None], name: str) -> None:
    try:
        with ctx.conn.begin_nested():
            add()
    except IntegrityError:
        raise EntityAlreadyExists(f"{name} already exists.") from None


def _check_path(path: str) -> None:
    if path != registration_identity.PATH:
        raise ValidationException(
            f"Path must be {registration_identity.PATH}: this server has IAM only for machines that register themselves"
        )


def _check_document(text: str) -> None:
    try:
        document = json.loads(text)
        said = document["Statement"]
        statements = said if isinstance(said, list) else [said]
        granted = [(each["Effect"], each["Action"]) for each in statements]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise MalformedPolicyDocument("PolicyDocument is no policy: JSON with Version and Statement") from None
    if not granted or any(each not in _GRANTS for each in granted):
        raise MalformedPolicyDocument(
            f"a policy of users in {registration_identity.PATH} allows opsworks:RegisterInstance only"
        )


_GRANTS: Final = (("Allow", "opsworks:RegisterInstance"), ("Allow", ["opsworks:RegisterInstance"]))


def _id(prefix: str, of: str) -> str:
    """An id of the form IAM has, the same for the same thing."""
    return prefix + hashlib.sha256(of.encode()).hexdigest()[:17].upper()
