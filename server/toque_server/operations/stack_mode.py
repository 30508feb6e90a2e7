"""Strict mode of a stack: how it is switched on and off (S18)."""

from __future__ import annotations

import msgspec

from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException
from toque_server.operations.registry import TOQUE, Permission, Request, operation
from toque_server.store import events, stacks


class SetStackMode(Request, frozen=True, kw_only=True):
    """`strict` false: the level deploy is as OpsWorks had it."""

    stack_id: str
    strict: bool


@operation(permission=Permission.MANAGE, target=TOQUE, stack="stack_id", raises=(ResourceNotFoundException,))
def set_stack_mode(ctx: Context, req: SetStackMode) -> None:
    """Switch a stack's strict mode on or off.

    In strict mode the level deploy runs what others assigned and nothing else: it changes no app's source, keys,
    variables, data sources, attributes or type, passes no custom JSON, and runs no recipe that is not assigned to an
    event of the targets' layers. The level manage may, and so may whom a policy allows the operation. Each refusal is
    in the audit. DescribeStackOverviews shows the mode.
    """
    stack = finding.stack(ctx, req.stack_id)
    if stack.strict == req.strict:
        return
    stacks.update(ctx.conn, msgspec.structs.replace(stack, strict=req.strict))
    said = f"strict mode of stack {stack.name} was switched {'on' if req.strict else 'off'}"
    events.add(ctx.conn, "stack.mode", said, at=ctx.now, stack_id=stack.id, data={"strict": req.strict})
