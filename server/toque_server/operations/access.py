"""Whether a caller may do what he asks: reads what the decision in `domain.permission` needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from toque_server.domain.permission import Level, Permission, StackRef, allowed_on, refused
from toque_server.operations.context import Context
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException
from toque_server.store import permissions

LEVELS: Final = frozenset({Permission.SHOW, Permission.DEPLOY, Permission.MANAGE})


def check(
    ctx: Context, action: str, permission: Permission, wanted: Iterable[str] | str | None, request: Any
) -> Sequence[str]:
    """Raise AccessDeniedException, or answer with the ids of the stacks that the request concerns.

    A stack that does not exist is ResourceNotFoundException to callers who may see all, and denied to others: else a
    stranger could find out which ids exist.
    """
    ids = [wanted] if isinstance(wanted, str) else list(dict.fromkeys(wanted or ()))
    stacks = permissions.stack_refs(ctx.conn, ids)
    if not ids:
        _check_without_stack(ctx, action, permission, concerns_none=wanted is None)
        return ids
    levels = permissions.levels_of(ctx.conn, ctx.caller.arn, ids)
    known = [stacks[each] for each in ids if each in stacks]
    if (at := refused(known, levels, action=action, permission=permission, caller=ctx.caller)) is not None:
        raise AccessDeniedException(ctx.caller.arn, action, at.arn(ctx.account_id))
    for missing in (each for each in ids if each not in stacks):
        raise not_found(ctx, action, f"Unable to find stack with ID {missing}")
    return ids


def not_found(ctx: Context, action: str, message: str) -> ResourceNotFoundException | AccessDeniedException:
    """What to raise for an id that does not exist: the truth for those who see all, a denial for others."""
    if ctx.caller.sees_all:
        return ResourceNotFoundException(message)
    return AccessDeniedException(ctx.caller.arn, action)


def shown(ctx: Context, action: str, permission: Permission = Permission.SHOW) -> list[StackRef]:
    """The stacks on which the caller may do this: for operations that list without naming a stack."""
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
        )
    ]


def _check_without_stack(ctx: Context, action: str, permission: Permission, *, concerns_none: bool) -> None:
    asked = Permission.ANY if permission in LEVELS and concerns_none else permission
    if not allowed_on(None, action=action, permission=asked, caller=ctx.caller):
        raise AccessDeniedException(ctx.caller.arn, action)
