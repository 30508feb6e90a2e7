"""The installation's event stream, for people and for pages that follow it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.paging import Paged, cut, limit
from toque_server.operations.registry import TOQUE, Permission, Result, operation
from toque_server.operations.times import check_order, moment
from toque_server.store import events
from toque_server.store.events import Event

_MOST_KINDS = 50
_KIND = re.compile(r"[a-z_]+(\.[a-z_]+)*")


class DescribeEvents(Paged, frozen=True, kw_only=True):
    """With `after` the events with greater numbers, oldest first; without it the newest, newest first.

    `kinds` are whole ones, such as `instance.status`, or what several begin with, such as `heal`. `since` is included,
    `until` is not (ISO 8601). 100 on a page, or as many as `MaxResults` says, at most 1,000.
    """

    largest: ClassVar[int] = 1000
    usual: ClassVar[int | None] = 100

    stack_id: str | None = None
    instance_id: str | None = None
    kinds: list[str] | None = None
    since: str | None = None
    until: str | None = None
    after: int | None = None


class EventView(Result, frozen=True, kw_only=True):
    number: int
    at: datetime
    kind: str
    message: str
    stack_id: str | None
    instance_id: str | None
    data: dict[str, Any]


class EventsDescribed(Result, frozen=True, kw_only=True):
    """`last_number` is what to send as `After` to hear what happens next; `next_token` leads to what was before."""

    events: list[EventView]
    last_number: int
    next_token: str | None


def _asked_stacks(ctx: Context, req: DescribeEvents) -> Sequence[str] | None:
    if req.stack_id is not None and req.instance_id is not None:
        raise ValidationException("Please provide either StackId or InstanceId, and only one of them")
    if req.instance_id is not None:
        return list(finding.stack_of("instance", "instance_id")(ctx, req) or ())
    return None if req.stack_id is None else [req.stack_id]


@operation(
    permission=Permission.SHOW,
    target=TOQUE,
    stack=_asked_stacks,
    raises=(ValidationException, ResourceNotFoundException),
)
def describe_events(ctx: Context, req: DescribeEvents) -> EventsDescribed:
    """Describe what happened: in a stack, to an instance, or without either in every stack that the caller may see.

    The newest first, page by page; or, with `After`, what came after an event, oldest first. Events are kept for
    30 days.
    """
    if req.after is not None and req.next_token is not None:
        raise ValidationException("Please provide either After or NextToken, and only one of them", field="After")
    wanted = _wanted(ctx, req)
    last = events.last_number(ctx.conn)
    if req.after is None:

        def behind(number: str | None, most: int) -> list[Event]:
            return events.listed(ctx.conn, wanted, before=None if number is None else int(number), limit=most)

        found, token = cut(ctx, req, behind, key=lambda event: str(event.number))
    else:
        size, token = limit(req), None
        found = events.after(ctx.conn, req.after, wanted, limit=size)
        last = found[-1].number if len(found) == size else max(last, req.after)
    return EventsDescribed(events=[_view(each) for each in found], last_number=last, next_token=token)


def _wanted(ctx: Context, req: DescribeEvents) -> events.Wanted:
    stack_ids: list[str] | None = None
    if req.stack_id is not None:
        stack_ids = [req.stack_id]
    elif req.instance_id is not None:
        stack_ids = [finding.instance(ctx, req.instance_id).stack_id]
    elif not ctx.caller.sees_all or access.denied_somewhere(ctx):
        stack_ids = [each.id for each in access.shown(ctx, "DescribeEvents")]
    if len(req.kinds or ()) > _MOST_KINDS:
        raise ValidationException(f"Kinds has {len(req.kinds or ())}, and may have {_MOST_KINDS}", field="Kinds")
    for kind in req.kinds or ():
        if not _KIND.fullmatch(kind):
            raise ValidationException(
                f"Kinds has {kind!r}: please give a kind of event, such as instance.status, or what several begin with,"
                " such as heal",
                field="Kinds",
            )
    since, until = moment(req.since, "Since"), moment(req.until, "Until")
    check_order(since, until)
    return events.Wanted(
        stack_ids=stack_ids, instance_id=req.instance_id, kinds=req.kinds or None, since=since, until=until
    )


def _view(event: Event) -> EventView:
    return EventView(
        number=event.number,
        at=event.at,
        kind=event.kind,
        message=event.message,
        stack_id=event.stack_id,
        instance_id=event.instance_id,
        data=event.data,
    )
