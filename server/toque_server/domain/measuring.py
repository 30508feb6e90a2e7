"""Figures of machines over time: in which steps they are told, and what a step says of many samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

MINUTE: Final = 60
MOST_POINTS: Final = 1440
"""Points of one figure in one answer: a day in minutes."""

STEPS: Final = (60, 300, 900, 3600, 6 * 3600, 24 * 3600)
"""Seconds of a step, where nobody asked for another: the first that makes no more points than `MOST_POINTS`."""

_AT_ONCE: Final = 4096

Values = Sequence[float]
"""One sample: figures in the order of the table."""


class Point(msgspec.Struct, frozen=True):
    """What the samples of one step say, figure by figure. `minute` is where it begins, since the epoch."""

    minute: int
    samples: int
    average: tuple[float, ...]
    minimum: tuple[float, ...]
    maximum: tuple[float, ...]


def step_for(minutes: int) -> int:
    """Seconds of the smallest step that tells so many minutes in one answer.

    >>> step_for(60), step_for(7 * 24 * 60)
    (60, 900)
    """
    return next((each for each in STEPS if points(minutes, each) <= MOST_POINTS), STEPS[-1])


def points(minutes: int, step: int) -> int:
    """How many steps so many minutes touch, if they begin with one."""
    return -(-minutes * MINUTE // step)


class Summary:
    """Collects samples of any order, and forgets them: its size is that of the answer.

    summary = Summary(step=300)
    summary.add((minute, (0.5, 99.0)) for …)
    """

    def __init__(self, step: int) -> None:
        self._minutes = step // MINUTE
        self._points: dict[int, Point] = {}

    def add(self, samples: Iterable[tuple[int, Values]]) -> None:
        """Samples with their minutes; fastest when those of one step come together."""
        rest = iter(samples)
        while some := list(islice(rest, _AT_ONCE)):
            by_step: dict[int, list[Values]] = {}
            for minute, values in some:
                by_step.setdefault(minute - minute % self._minutes, []).append(values)
            for minute, rows in by_step.items():
                self._join(_point(minute, rows))

    def points(self) -> Iterator[Point]:
        """Oldest first; a step without samples has no point."""
        for minute in sorted(self._points):
            yield self._points[minute]

    def _join(self, new: Point) -> None:
        old = self._points.get(new.minute)
        self._points[new.minute] = new if old is None else _together(old, new)


def _point(minute: int, rows: Sequence[Values]) -> Point:
    columns = list(zip(*rows, strict=True))
    count = len(rows)
    return Point(
        minute=minute,
        samples=count,
        average=tuple(sum(each) / count for each in columns),
        minimum=tuple(map(min, columns)),
        maximum=tuple(map(max, columns)),
    )


def _together(one: Point, other: Point) -> Point:
    count = one.samples + other.samples
    weighed = zip(one.average, other.average, strict=True)
    return Point(
        minute=one.minute,
        samples=count,
        average=tuple((a * one.samples + b * other.samples) / count for a, b in weighed),
        minimum=tuple(map(min, one.minimum, other.minimum)),
        maximum=tuple(map(max, one.maximum, other.maximum)),
    )
