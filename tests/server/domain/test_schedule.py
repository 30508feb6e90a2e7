from __future__ import annotations

import pytest

from toque_server.domain.invalid import Invalid
from toque_server.domain.schedule import Schedule, merge


def test_03_28_hours_are_laid_over_the_stored_ones_and_an_empty_day_changes_nothing() -> None:
    stored = Schedule(monday={"10": "on"}, sunday={"0": "on"})

    merged = merge(stored, Schedule(monday={"9": "on", "10": "off"}, sunday={}, friday={}))

    assert merged == Schedule(monday={"9": "on", "10": "off"}, sunday={"0": "on"})


def test_hours_stand_in_the_order_of_the_clock() -> None:
    assert list(merge(Schedule(), Schedule(monday={"10": "on", "9": "on", "23": "on"})).monday or ()) == [
        "9",
        "10",
        "23",
    ]


@pytest.mark.parametrize("hour", ["24", "-1", "01", "1.0", "", " 1", "ten", "١"])
def test_03_28_what_is_no_hour_is_refused_with_its_day(hour: str) -> None:
    with pytest.raises(Invalid, match="AutoScalingSchedule.Tuesday has no hour.*'0' to '23'"):
        merge(Schedule(), Schedule(tuesday={hour: "on"}))
