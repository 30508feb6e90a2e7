"""Times as people say them: `4.2 s`, `3 min 20 s`, `2 h 5 min`; and moments, with the exact time beside."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`; "" for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, below, name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // below
            return f"{whole // size} {unit}" + (f" {rest} {name}" if rest else "")
    return f"{whole} s"


def clock(moment: str | None) -> str:
    """`14:05:09` of an ISO time, in UTC."""
    return "" if moment is None else datetime.fromisoformat(moment).strftime("%H:%M:%S")


def day_and_clock(moment: str | None) -> str:
    """`22 Nov 14:05:09` of an ISO time, in UTC."""
    return "" if moment is None else datetime.fromisoformat(moment).strftime("%d %b %H:%M:%S")


def size(bytes: int) -> str:
    """`812 B`, `3.4 KiB`, `12.0 MiB`, `23.5 GiB`."""
    for power, unit in ((30, "GiB"), (20, "MiB"), (10, "KiB")):
        if bytes >= 1 << power:
            return f"{bytes / (1 << power):.1f} {unit}"
    return f"{bytes} B"


def register(console: Blueprint) -> None:
    """The filters `duration`, `clock`, `day_and_clock` and `size` of the templates."""
    for filter in (duration, clock, day_and_clock, size):
        console.add_app_template_filter(filter)
