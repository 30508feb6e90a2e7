"""Why somebody may do something, or may not: which rule of chapter 07 § 3.1 decides."""

from __future__ import annotations

import difflib
from typing import Final

from toque_server.domain.permission import Level, Permission, Principal, Rule, StackRef, Verdict
from toque_server.operations import access, identity
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import OPERATIONS, TOQUE, Operation, Request, Result, operation
from toque_server.store import permissions, users

_SAID: Final = {
    Rule.REGISTRATION: "yes: it is the identity of a machine, which may register itself",
    Rule.OWNER: "yes: it is the account's owner, who may do everything",
    Rule.LEVEL_DENY: "no: the level deny on this stack refuses everything",
    Rule.POLICY_DENY: "no: the policy statement {statements} denies it",
    Rule.LEVEL: "yes: the level {level} on this stack is enough",
    Rule.ANYBODY: "yes: whoever is known may do this",
    Rule.SELF_MANAGEMENT: "yes: self-management is allowed",
    Rule.ADMINISTRATOR: "yes: the full-access policy allows it",
    Rule.POLICY_ALLOW: "yes: the policy statement {statements} allows it",
    Rule.NOTHING: "no: neither the level {level} nor a policy allows it; it needs {needed}",
}
_NEEDED: Final = {
    Permission.SHOW: "the level show",
    Permission.DEPLOY: "the level deploy",
    Permission.MANAGE: "the level manage",
    Permission.ADMINISTRATOR: "the full-access policy, or another that allows it",
    Permission.SELF: "self-management",
    Permission.ANY: "nothing",
}


class ExplainAccess(Request, frozen=True, kw_only=True):
    """May `user_arn` (None: the caller) do `action` on the stack, or without one where it is None?

    Conditions of policies are judged as if the question itself were the request: from its address, at its time.
    """

    action: str
    stack_id: str | None = None
    user_arn: str | None = None


class AccessExplained(Result, frozen=True, kw_only=True):
    """`rule` is what decided; `statements` names the statements of policies, as `POLICY/SID`, where they did."""

    allowed: bool
    rule: str
    statements: tuple[str, ...]
    level: str
    explanation: str


@operation(permission=Permission.ANY, target=TOQUE, raises=(ValidationException, ResourceNotFoundException))
def explain_access(ctx: Context, req: ExplainAccess) -> AccessExplained:
    """Explain whether somebody may do something, and which rule decides.

    In this order: owner, level deny, a policy that denies, the level, a policy that allows, else no. Only
    administrators, or whom a policy allows it, may ask about others. What an operation checks besides, such as strict
    mode, is not among the rules.
    """
    caller = _asked_about(ctx, req.user_arn)
    op = _operation(req.action)
    stack = _stack(ctx, req.stack_id)
    level = Level.IAM_ONLY
    if stack is not None:
        level = permissions.levels_of(ctx.conn, caller.arn, [stack.id]).get(stack.id, level)
    verdict = access.explained(ctx, op.action, op.permission, caller, stack)
    return AccessExplained(
        allowed=verdict.allowed,
        rule=verdict.rule.value,
        statements=verdict.statements,
        level=level.value,
        explanation=_explanation(verdict, level, op.permission),
    )


def _asked_about(ctx: Context, arn: str | None) -> Principal:
    if arn is None or arn == ctx.caller.arn:
        return ctx.caller
    access.check(ctx, "ExplainAccess", Permission.ADMINISTRATOR, None, None)
    if (user := users.get(ctx.conn, arn)) is None:
        raise ResourceNotFoundException(f"Unable to find user with ARN {arn}")
    return identity.principal_of(user)


def _operation(action: str) -> Operation:
    name = action.removeprefix("opsworks:")
    known = {each.action: each for each in OPERATIONS.values()} | OPERATIONS
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ValidationException(f"there is no action {name}{hint}", field="Action")


def _stack(ctx: Context, id: str | None) -> StackRef | None:
    """The stack; one that does not exist is to those who may not know that one on which they have no right."""
    if id is None:
        return None
    found = permissions.stack_refs(ctx.conn, [id]).get(id)
    if found is None and ctx.caller.sees_all:
        raise ResourceNotFoundException(f"Unable to find stack with ID {id}")
    return found or StackRef(id, "*")


def _explanation(verdict: Verdict, level: Level, needed: Permission) -> str:
    return _SAID[verdict.rule].format(
        statements=" and ".join(verdict.statements), level=level.value, needed=_NEEDED[needed]
    )
