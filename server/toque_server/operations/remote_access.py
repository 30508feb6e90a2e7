"""Remote desktop access, which OpsWorks gave on Windows instances (chapter 07 § 7)."""

from __future__ import annotations

from toque_server.domain.arn import arn
from toque_server.domain.instance import Instance, Status
from toque_server.operations import finding
from toque_server.operations.context import Context
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.operations.registry import Permission, Request, Result, operation
from toque_server.store import permissions

_MINUTES = range(60, 1441)


class GrantAccess(Request, frozen=True, kw_only=True):
    """`valid_for_in_minutes`: 60 to 1440."""

    instance_id: str
    valid_for_in_minutes: int | None = None


class TemporaryCredential(Result, frozen=True, kw_only=True):
    username: str
    password: str
    valid_for_in_minutes: int
    instance_id: str


class AccessGranted(Result, frozen=True, kw_only=True):
    temporary_credential: TemporaryCredential


@operation(
    permission=Permission.SHOW,
    stack=finding.stack_of("instance", "instance_id"),
    raises=(ValidationException, ResourceNotFoundException),
)
def grant_access(ctx: Context, req: GrantAccess) -> AccessGranted:
    """Ask for remote desktop access to a Windows instance; besides the level it takes AllowSsh on the stack.

    It is there for clients of OpsWorks: instances here run Linux, where one logs in over SSH, and are refused.
    """
    seen = finding.instance(ctx, req.instance_id)
    stack = finding.stack(ctx, seen.stack_id)
    if not _may_log_in(ctx, seen):
        raise AccessDeniedException(
            ctx.caller.arn,
            "GrantAccess",
            arn(stack.region, ctx.account_id, "stack", stack.id),
            reason="it takes AllowSsh on the stack, which SetPermission gives",
            stack_id=stack.id,
        )
    minutes = req.valid_for_in_minutes
    if minutes is not None and minutes not in _MINUTES:
        raise ValidationException(f"ValidForInMinutes must be 60 to 1440, not {minutes}", field="ValidForInMinutes")
    if not stack.is_windows:
        raise ValidationException("This action can be used only with Windows stacks")
    if seen.status is not Status.ONLINE:
        raise ValidationException(f"{seen.hostname} is {seen.status}: access is granted to an instance that is online")
    raise ValidationException("this release has no agent for Windows, so no access to it can be granted")


def _may_log_in(ctx: Context, seen: Instance) -> bool:
    """AllowSsh is said per user and stack; the account's owner and administrators need no record of it."""
    if ctx.caller.is_owner or ctx.caller.administrator:
        return True
    record = permissions.get(ctx.conn, seen.stack_id, ctx.caller.arn)
    return record is not None and record.allow_ssh
