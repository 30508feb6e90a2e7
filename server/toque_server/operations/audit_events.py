"""The audit: who did what, and who was refused (chapter 07 § 9)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, cut
from toque_server.operations.registry import TOQUE, Permission, Result, operation
from toque_server.operations.times import check_order, moment
from toque_server.store import audit, permissions


class DescribeAuditEvents(Paged, frozen=True, kw_only=True):
    """The newest first. Each filter that is given has to fit: the user's ARN, the stack, the operation's name, the time
    (`since` included, `until` not; ISO 8601), denials only.

    `verify` also says whether the record was tampered with; it takes as long as the record is. 100 on a page, or as
    many as `MaxResults` says, at most 1,000.
    """

    largest: ClassVar[int] = 1000
    usual: ClassVar[int | None] = 100
    user_arn: str | None = None
    stack_id: str | None = None
    action: str | None = None
    since: str | None = None
    until: str | None = None
    denied_only: bool = False
    verify: bool = False


class AuditEventView(Result, frozen=True, kw_only=True):
    """One call. `request_parameters` has no secrets, and is empty where the request could not be read; `error_code` is
    there where it was refused, `reason` if there is more to say than that."""

    number: int
    event_time: datetime
    event_name: str
    user_arn: str
    access_key_id: str | None
    source_ip: str | None
    request_id: str | None
    request_parameters: dict[str, Any]
    error_code: str | None
    reason: str | None
    stack_id: str | None


class AuditEventsDescribed(Result, frozen=True, kw_only=True):
    """`tampered`, where `verify` asked: the numbers of events that do not follow from the one before."""

    events: list[AuditEventView]
    next_token: str | None
    tampered: list[int] | None


def _asked_stacks(ctx: Context, req: DescribeAuditEvents) -> Sequence[str] | None:
    if req.stack_id is None or req.verify:
        return None
    # What happened to a stack that is gone is told to those who may read everything.
    return [req.stack_id] if permissions.stack_refs(ctx.conn, [req.stack_id]) else []


@operation(
    permission=Permission.ADMINISTRATOR,
    target=TOQUE,
    stack=_asked_stacks,
    action="ListAuditEvents",
    raises=(ValidationException, ResourceNotFoundException),
)
def describe_audit_events(ctx: Context, req: DescribeAuditEvents) -> AuditEventsDescribed:
    """Describe who did what: every change, those that failed with their error, and every denial, newest first.

    Of changes that fail, each caller's first hundred are recorded and then one a second; the next one that is recorded
    says how many were left out.

    For administrators, and for whom a policy allows `opsworks:ListAuditEvents`; limited to a stack, with its `StackId`.
    """
    since, until = moment(req.since, "Since"), moment(req.until, "Until")
    check_order(since, until)
    wanted = audit.Wanted(
        user_arn=req.user_arn,
        stack_id=req.stack_id,
        action=req.action,
        since=since,
        until=until,
        denied_only=req.denied_only,
    )

    def behind(last: str | None, most: int) -> list[audit.Recorded]:
        return audit.listed(ctx.conn, wanted, before=None if last is None else int(last), limit=most)

    shown, token = cut(ctx, req, behind, key=lambda each: str(each.number))
    return AuditEventsDescribed(
        events=[_view(each) for each in shown],
        next_token=token,
        tampered=list(audit.broken_links(ctx.conn)) if req.verify else None,
    )


def _view(row: audit.Recorded) -> AuditEventView:
    detail, entry = row.entry.detail, row.entry
    return AuditEventView(
        number=row.number,
        event_time=entry.at,
        event_name=entry.action,
        user_arn=entry.user_arn,
        access_key_id=detail.get("access_key_id") or None,
        source_ip=detail.get("address") or None,
        request_id=detail.get("request_id") or None,
        request_parameters=detail.get("parameters", {}),
        error_code=detail.get("error") or (None if entry.allowed else "AccessDeniedException"),
        reason=detail.get("reason") or None,
        stack_id=entry.stack_id,
    )
