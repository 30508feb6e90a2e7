"""The installation's event stream, for people and for pages that follow it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from toque_server.operations import access, finding
from toque_server.operations.context import Context
from toque_server.operations.errors import ResourceNotFoundException, ValidationException
from toque_server.operations.registry import TOQUE, Permission, Request, Result, operation
from toque_server.store import events
from toque_server.store.events import Event

_MOST = 1000


class DescribeEvents(Request, frozen=True, kw_only=True):
    """With `after` the events with greater numbers, oldest first; without it the newest, newest first."""

    stack_id: str | None = None
    instance_id: str | None = None
    after: int | None = None
    limit: int = 100


class EventView(Result, frozen=True, kw_only=True):
    number: int
    at: datetime
    kind: str
    message: str
    stack_id: str | None
    instance_id: str | None
    data: dict[str, Any]


class EventsDescribed(Result, frozen=True, kw_only=True):
    """`last_number` is what to send as `After` next time."""

    events: list[EventView]
    last_number: int


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
    """Describe what happened: in a stack, to an instance, or without either in every stack that the caller may see."""
    if not 0 < req.limit <= _MOST:
        raise ValidationException(f"Limit must be 1 to {_MOST}", field="Limit")
    everything = req.stack_id is None and req.instance_id is None
    visible: list[str] | None = None
    if everything and (not ctx.caller.sees_all or access.denied_somewhere(ctx)):
        visible = [each.id for each in access.shown(ctx, "DescribeEvents")]
    stack_ids = [req.stack_id] if req.stack_id is not None else visible
    if req.instance_id is not None:
        stack_ids = [finding.instance(ctx, req.instance_id).stack_id]
    last = events.last_number(ctx.conn)
    if req.after is None:
        found = _newest(ctx, req, stack_ids)
    else:
        found = events.after(ctx.conn, req.after, stack_ids=stack_ids, limit=req.limit)
        last = found[-1].number if len(found) == req.limit else max(last, req.after)
        if req.instance_id is not None:
            found = [each for each in found if each.instance_id == req.instance_id]
    return EventsDescribed(events=[_view(each) for each in found], last_number=last)


def _newest(ctx: Context, req: DescribeEvents, stack_ids: Sequence[str] | None) -> list[Event]:
    if req.stack_id is not None or req.instance_id is not None or stack_ids is None:
        return events.latest(ctx.conn, stack_id=req.stack_id, instance_id=req.instance_id, limit=req.limit)
    merged = [event for id in stack_ids for event in events.latest(ctx.conn, stack_id=id, limit=req.limit)]
    return sorted(merged, key=lambda event: -event.number)[: req.limit]


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
