"""When the Configure of a changed stack goes out (D16): soon after a single change, seldom during a storm of them.

Every change of the online set makes a Configure due on every online instance. Sent at once, n instances that come up
together would cost n² runs. So it waits for quiet. While changes go on it goes out at a limit, and that limit doubles
(and so does the quiet that is waited for);
while a good part of the stack is still starting it waits even at the limit, as long as the changes keep coming.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

import msgspec

from toque_server.domain.actions import Configure, Due, Wait
from toque_server.domain.instance import Instance, Status
from toque_server.settings import ConfigureTimes

STARTING: Final = frozenset({Status.REQUESTED, Status.PENDING, Status.BOOTING, Status.RUNNING_SETUP})
_CROWD: Final = 0.10
"""Share of the stack that must be starting for a Configure to wait beyond its limit."""
_IN_A_ROW: Final = timedelta(seconds=2)
"""Changes closer together than this are one storm; a single instance that hangs in its start is none."""
_FEW: Final = 2
"""A single instance that starts is no crowd, however small the stack is."""


def decide(due: Due, stack: Collection[Instance], times: ConfigureTimes, now: datetime) -> Configure | Wait | None:
    """What to do about one stack's wait: send the Configure, wait longer, or (None) look again later."""
    limit = timedelta(seconds=due.limit_seconds) or times.limit
    if due.last_at < due.first_at:
        return Wait(due, None) if now - due.first_at >= limit and not is_crowded(stack) else None
    recipients = tuple(each.id for each in stack if each.status is Status.ONLINE)
    # Quiet grows with the limit: the stragglers of a storm come seconds apart, and each would cost everybody a run.
    quiet = now - due.last_at >= times.quiet * (limit / times.limit)
    at_limit = now - due.first_at >= limit
    if is_crowded(stack):
        if not at_limit:
            return None
        if now - due.last_at < min(limit / 2, _IN_A_ROW) and limit < times.longest:
            return Wait(due, _with_limit(due, min(2 * limit, times.longest)))
        return Configure(due, recipients, _after(due, limit, times, now))
    if quiet and not at_limit:
        return Configure(due, recipients, None if limit <= times.limit else _after(due, limit / 2, times, now))
    if at_limit:
        return Configure(due, recipients, None if quiet else _after(due, limit, times, now))
    return None


def may_act(due: Due, times: ConfigureTimes, now: datetime) -> bool:
    """Whether it is worth reading the stack: before this `decide` answers None whatever stands in it."""
    limit = timedelta(seconds=due.limit_seconds) or times.limit
    return now - due.first_at >= limit or (due.last_at >= due.first_at and now - due.last_at >= times.quiet)


def is_crowded(stack: Collection[Instance]) -> bool:
    """Whether so much of the stack is starting that a Configure now would only be the first of many."""
    starting = sum(each.status in STARTING for each in stack)
    return starting >= _FEW and starting > _CROWD * len(stack)


def _with_limit(due: Due, limit: timedelta) -> Due:
    return msgspec.structs.replace(due, limit_seconds=limit.total_seconds())


def _after(due: Due, limit: timedelta, times: ConfigureTimes, now: datetime) -> Due:
    """The wait that follows a Configure while the stack goes on changing: twice as long."""
    return _with_limit(msgspec.structs.replace(due, first_at=now), min(2 * limit, times.longest))
