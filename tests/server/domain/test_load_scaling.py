from __future__ import annotations

import math
from typing import Any

import pytest

from toque_server.domain.invalid import Invalid
from toque_server.domain.load_scaling import AutoScalingThresholds, LoadScaling, changed


def sent(**members: Any) -> AutoScalingThresholds:
    return AutoScalingThresholds(**members)


def set(stored: LoadScaling = LoadScaling(), **members: Any) -> LoadScaling:  # noqa: B008
    return changed(stored, **{"enable": None, "up": None, "down": None} | members)


def test_i_15_what_is_left_out_keeps_its_value_whatever_its_depth() -> None:
    once = set(enable=True, up=sent(cpu_threshold=90.0, alarms=("a",)))

    twice = set(once, up=sent(instance_count=3), down=sent(memory_threshold=20.0))

    assert twice.enabled
    assert twice.up == AutoScalingThresholds(3, 5, 5, cpu_threshold=90.0, alarms=("a",))
    assert twice.down == AutoScalingThresholds(1, 10, 10, cpu_threshold=30.0, memory_threshold=20.0)
    assert set(twice, up=sent(alarms=())).up.alarms == ()


@pytest.mark.parametrize("member", ["thresholds_wait_time", "ignore_metrics_time"])
def test_03_29_times_are_1_to_100_minutes(member: str) -> None:
    for minutes in (0, 101, -5):
        with pytest.raises(Invalid, match=f"DownScaling.*1 to 100 minutes, not {minutes}"):
            set(down=sent(**{member: minutes}))
    for minutes in (1, 100):
        set(down=sent(**{member: minutes}))


def test_03_29_five_alarms_per_direction_and_no_sixth() -> None:
    five = tuple("abcde")
    set(up=sent(alarms=five), down=sent(alarms=five))

    with pytest.raises(Invalid, match="UpScaling.Alarms may name at most 5 alarms, not 6"):
        set(up=sent(alarms=(*five, "f")))


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"instance_count": 0}, "InstanceCount must be 1 to 1000 instances"),
        ({"instance_count": 1001}, "InstanceCount must be 1 to 1000 instances"),
        ({"cpu_threshold": 100.1}, "CpuThreshold must be 0 to 100 percent, or -1 to leave it out; it is 100.1"),
        ({"cpu_threshold": -0.5}, "CpuThreshold"),
        ({"memory_threshold": 101.0}, "MemoryThreshold must be 0 to 100 percent"),
        ({"load_threshold": -2.0}, "LoadThreshold must be at least 0"),
        ({"load_threshold": math.nan}, "LoadThreshold"),
        ({"load_threshold": math.inf}, "LoadThreshold"),
        ({"alarms": ("",)}, "is not the name of an alarm"),
        ({"alarms": ("a\nb",)}, "is not the name of an alarm"),
    ],
)
def test_i_15_what_no_direction_may_have(members: dict[str, Any], why: str) -> None:
    with pytest.raises(Invalid, match=why):
        set(up=sent(**members))


def test_i_15_edges_that_are_fine() -> None:
    set(up=sent(instance_count=1000, cpu_threshold=100.0, memory_threshold=-1.0, load_threshold=40.5))
    set(down=sent(cpu_threshold=0.0, load_threshold=0.0))


@pytest.mark.parametrize("metric", ["cpu_threshold", "memory_threshold", "load_threshold"])
def test_i_15_up_lies_above_down_where_both_look_and_scaling_is_enabled(metric: str) -> None:
    both = {"up": sent(**{metric: 50.0}), "down": sent(**{metric: 50.0})}

    with pytest.raises(Invalid, match=r"UpScaling.* \(50\) must be greater than DownScaling"):
        set(enable=True, **both)

    resting = set(**both)
    with pytest.raises(Invalid, match="must be greater"):
        set(resting, enable=True)
    assert set(resting, enable=True, down=sent(**{metric: -1.0})).enabled
    assert set(resting, enable=True, up=sent(**{metric: 50.5})).enabled
