"""Whether a caller may do what he asks: reads what the decision in `domain.permission` needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from toque_server.domain.cedar import Asked, AttachedPolicies, CannotJudge, OnResource
from toque_server.domain.permission import (
    Effect,
    Level,
    NoPolicies,
    Permission,
    Policies,
    Principal,
    StackRef,
    Verdict,
    allowed_on,
    decide,
    grants,
    refused,
)
from toque_server.domain.predefined_policies import PREDEFINED
from toque_server.domain.stack import Stack
from toque_server.operations.context import Context
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException
from toque_server.store import permissions, user_policies

LEVELS: Final = frozenset({Permission.SHOW, Permission.DEPLOY, Permission.MANAGE})
_KNOWING: Final = "DescribeStacks"


def check(
    ctx: Context,
    action: str,
    permission: Permission,
    wanted: Iterable[str] | str | None,
    request: Any,
    *,
    resource: str | None = None,
) -> Sequence[str]:
    """Raise AccessDeniedException, or answer with the ids of the stacks that the request concerns.

    `resource`: an ARN that policies speak of instead of the stack's; levels are the stack's in any case.

    A stack that does not exist is ResourceNotFoundException to callers who may see all, and to others denied in the
    same words as one they may not see: else a stranger could find out which ids exist.
    """
    ids = [wanted] if isinstance(wanted, str) else list(dict.fromkeys(wanted or ()))
    with _judging(ctx, action):
        policies = policies_of(ctx) if resource is None else OnResource(policies_of(ctx), resource)
        if not ids:
            _check_without_stack(ctx, action, permission, policies, concerns_none=wanted is None)
            return ids
        stacks = permissions.stack_refs(ctx.conn, ids)
        levels = permissions.levels_of(ctx.conn, ctx.caller.arn, ids)
        known = [stacks[each] for each in ids if each in stacks]
        at = refused(known, levels, action=action, permission=permission, caller=ctx.caller, policies=policies)
        if at is not None:
            level = levels.get(at.id, Level.IAM_ONLY)
            knows = allowed_on(
                at, action=_KNOWING, permission=Permission.SHOW, caller=ctx.caller, level=level, policies=policies
            )
            named = resource or (at.arn(ctx.account_id) if knows else _as_asked(ctx, at.id, request))
            raise AccessDeniedException(ctx.caller.arn, action, named, stack_id=at.id)
        for missing in (each for each in ids if each not in stacks):
            raise not_found(
                ctx, action, f"Unable to find stack with ID {missing}", resource=_as_asked(ctx, missing, request)
            )
    return ids


def not_found(
    ctx: Context, action: str, message: str, *, resource: str = "*"
) -> ResourceNotFoundException | AccessDeniedException:
    """What to raise for an id that does not exist: the truth for those who may read everything, else a denial."""
    with _judging(ctx, action):
        if reads_all(ctx, action):
            return ResourceNotFoundException(message)
    return AccessDeniedException(ctx.caller.arn, action, resource)


def reads_all(ctx: Context, action: str) -> bool:
    """Whether the caller may do this wherever he likes: owners, administrators, and by a policy for every resource."""
    return ctx.caller.sees_all or policies_of(ctx).effect(action, None) is Effect.ALLOW


def denied_somewhere(ctx: Context) -> bool:
    """Whether the caller has the level deny on some stack: then not even an administrator sees everything."""
    levels = permissions.levels_of(ctx.conn, ctx.caller.arn, None)
    return not ctx.caller.is_owner and Level.DENY in levels.values()


def shown(ctx: Context, action: str, permission: Permission = Permission.SHOW) -> list[StackRef]:
    """The stacks on which the caller may do this: for operations that list without naming a stack."""
    with _judging(ctx, action):
        policies = policies_of(ctx)
        stacks = permissions.stack_refs(ctx.conn, None)
        levels = permissions.levels_of(ctx.conn, ctx.caller.arn, None)
        return [
            stack
            for stack in stacks.values()
            if allowed_on(
                stack,
                action=action,
                permission=permission,
                caller=ctx.caller,
                level=levels.get(stack.id, Level.IAM_ONLY),
                policies=policies,
            )
        ]


def listed(ctx: Context, action: str) -> list[StackRef]:
    """As `shown`, for OpsWorks' lists: whose access comes from policies for certain stacks has to name them.

    Raises AccessDeniedException to callers with policies of which none allows this everywhere, and with no level.
    """
    levels = permissions.levels_of(ctx.conn, ctx.caller.arn, None)
    by_level = any(grants(level, Permission.SHOW) for level in levels.values())
    has_policies = not isinstance(policies_of(ctx), NoPolicies)
    if has_policies and not by_level and not reads_all(ctx, action):
        raise AccessDeniedException(ctx.caller.arn, action)
    return shown(ctx, action)


def beyond_deploy(ctx: Context, stack: Stack, action: str, what: str) -> None:
    """In strict mode, refuse to callers whose right is the level deploy alone (S18). `what` is what they tried."""
    if not stack.strict:
        return
    ref = StackRef(stack.id, stack.region)
    level = permissions.levels_of(ctx.conn, ctx.caller.arn, [stack.id]).get(stack.id, Level.IAM_ONLY)
    with _judging(ctx, action):
        verdict = decide(
            ref,
            action=action,
            permission=Permission.MANAGE,
            caller=ctx.caller,
            level=level,
            policies=policies_of(ctx),
        )
    if not verdict.allowed:
        reason = f"this stack is in strict mode, in which {what} needs the level manage"
        raise AccessDeniedException(ctx.caller.arn, action, ref.arn(ctx.account_id), reason=reason, stack_id=stack.id)


def administrators_only(ctx: Context, action: str, reason: str) -> None:
    """Refuse what no policy can give to those who are no administrators: the making of administrators."""
    if not ctx.caller.sees_all:
        raise AccessDeniedException(ctx.caller.arn, action, reason=reason)


def explained(ctx: Context, action: str, permission: Permission, caller: Principal, stack: StackRef | None) -> Verdict:
    """What would decide, were this caller to ask from where the present one does."""
    level = Level.IAM_ONLY
    if stack is not None:
        level = permissions.levels_of(ctx.conn, caller.arn, [stack.id]).get(stack.id, level)
    asked = Permission.ANY if permission in LEVELS and stack is None else permission
    with _judging(ctx, "ExplainAccess"):
        return decide(
            stack,
            action=action,
            permission=asked,
            caller=caller,
            level=level,
            policies=policies_of(ctx, caller),
        )


def policies_of(ctx: Context, caller: Principal | None = None) -> Policies:
    """The policies of the caller, as they count for this request. Raises CannotJudge."""
    principal = caller or ctx.caller
    if principal.is_owner:
        return NoPolicies()
    documents = [_document(each) for each in user_policies.of_user(ctx.conn, principal.arn)]
    if not documents:
        return NoPolicies()
    asked = Asked(
        username=principal.name,
        account_id=ctx.account_id,
        at=ctx.now,
        address=ctx.address,
        secure=ctx.secure,
    )
    return AttachedPolicies(documents, asked)


def _document(policy: user_policies.UserPolicy) -> tuple[str, str]:
    if not policy.predefined:
        return policy.name, policy.document
    if (found := PREDEFINED.get(policy.name)) is None:
        raise CannotJudge(f"this server has no predefined policy {policy.name}: please detach it from the user")
    return policy.name, found.document


@contextmanager
def _judging(ctx: Context, action: str) -> Iterator[None]:
    """What cannot be judged is refused, with the reason."""
    try:
        yield
    except CannotJudge as error:
        raise AccessDeniedException(ctx.caller.arn, action, reason=str(error)) from error


def _as_asked(ctx: Context, stack_id: str, request: Any) -> str:
    """A stack that the caller may not know of, in his own words: by its id if he sent it, else not at all."""
    sent = msgspec.structs.asdict(request).values() if isinstance(request, msgspec.Struct) else ()
    if any(stack_id == each or (isinstance(each, list | tuple) and stack_id in each) for each in sent):
        return StackRef(stack_id, "*").arn(ctx.account_id)
    return "*"


def _check_without_stack(
    ctx: Context, action: str, permission: Permission, policies: Policies, *, concerns_none: bool
) -> None:
    asked = Permission.ANY if permission in LEVELS and concerns_none else permission
    if not allowed_on(None, action=action, permission=asked, caller=ctx.caller, policies=policies):
        raise AccessDeniedException(ctx.caller.arn, action)
