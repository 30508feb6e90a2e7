"""A day's hours as people write them: `8-18` is from eight to six, `8-12, 14-18` leaves out lunch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from toque.stackfile.model import Hours

_RANGE = re.compile(r"(\d{1,2})-(\d{1,2})")


class BadHours(ValueError):
    """The message says what would do."""


def parsed(text: str) -> Hours:
    """The hours that are on. Raises BadHours.

    >>> parsed("8-10, 22-24")
    {'8': 'on', '9': 'on', '22': 'on', '23': 'on'}
    """
    hours = set[int]()
    for part in filter(None, re.split(r"[,\s]+", text)):
        found = _RANGE.fullmatch(part)
        first, end = (int(found[1]), int(found[2])) if found else (24, 0)
        if not 0 <= first < end <= 24:
            raise BadHours(f"must be ranges of hours such as 8-18 or 8-12, 14-18 (0 to 24, UTC), not {part!r}")
        hours.update(range(first, end))
    return {str(hour): "on" for hour in sorted(hours)}


def shown(hours: Mapping[str, str]) -> str | None:
    """The ranges that say the same; None where some hour is `off` by name, which ranges cannot say.

    >>> shown({"8": "on", "9": "on", "23": "on"})
    '8-10, 23-24'
    """
    if any(switch != "on" for switch in hours.values()):
        return None
    return ", ".join(f"{first}-{last + 1}" for first, last in _runs(sorted(map(int, hours))))


def switched_on(hours: Mapping[str, str]) -> frozenset[str]:
    """The hours that count."""
    return frozenset(hour for hour, switch in hours.items() if switch == "on")


def _runs(hours: Iterable[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for hour in hours:
        if runs and runs[-1][1] == hour - 1:
            runs[-1] = (runs[-1][0], hour)
        else:
            runs.append((hour, hour))
    return runs
