"""When a time-based instance should be up: one switch per hour of the week, in UTC (chapter 03 § 10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from toque_server.domain.invalid import Invalid

Switch = Literal["on", "off"]
Day = dict[str, Switch]

HOURS: Final = frozenset(str(hour) for hour in range(24))


class Schedule(msgspec.Struct, frozen=True, rename="pascal", forbid_unknown_fields=True, omit_defaults=True):
    """What was ever set, by day and hour: `{"10": "on"}` is from 10:00 to 11:00. An hour that is missing is off."""

    monday: Day | None = None
    tuesday: Day | None = None
    wednesday: Day | None = None
    thursday: Day | None = None
    friday: Day | None = None
    saturday: Day | None = None
    sunday: Day | None = None


def merge(stored: Schedule, sent: Schedule) -> Schedule:
    """`sent` over what is stored, hour by hour; an empty day changes nothing (I-14). Raises Invalid.

    >>> merge(Schedule(monday={"10": "on"}), Schedule(monday={"9": "off"}, friday={})).monday
    {'9': 'off', '10': 'on'}
    """
    days = {
        name: _merged(name.title(), getattr(stored, name), getattr(sent, name)) for name in Schedule.__struct_fields__
    }
    return Schedule(**days)


def _merged(day: str, stored: Mapping[str, Switch] | None, sent: Mapping[str, Switch] | None) -> Day | None:
    for hour in sent or ():
        if hour not in HOURS:
            raise Invalid(f"AutoScalingSchedule.{day} has no hour {hour!r}: please use '0' to '23', in UTC")
    both = {**(stored or {}), **(sent or {})}
    return {hour: both[hour] for hour in sorted(both, key=int)} or None
