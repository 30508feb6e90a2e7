"""Time-based and load-based scaling."""

from __future__ import annotations

from tests.server.conformance.case import NOWHERE, Case, case
from tests.server.conformance.world import World

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SCHEDULE = {day: {"9": "on", "10": "on"} for day in DAYS}
THRESHOLDS = {
    "InstanceCount": 1,
    "ThresholdsWaitTime": 5,
    "IgnoreMetricsTime": 5,
    "CpuThreshold": 80.0,
    "MemoryThreshold": 70.0,
    "LoadThreshold": 2.5,
}
ALARMS = {"InstanceCount": 1, "ThresholdsWaitTime": 5, "IgnoreMetricsTime": 5, "Alarms": ["busy"]}


@case("SetTimeBasedAutoScaling")
def set_time_based(w: World) -> Case:
    stack = w.stack()
    layer = w.layer(stack)
    timed, plain = w.instance(stack, layer, AutoScalingType="timer"), w.instance(stack, layer)
    return Case(
        minimal={"InstanceId": timed},
        fuller=[{"InstanceId": timed, "AutoScalingSchedule": SCHEDULE}],
        invalid=[
            ({"InstanceId": timed, "AutoScalingSchedule": {"Monday": {"24": "on"}}}, "24"),
            ({"InstanceId": timed, "AutoScalingSchedule": {"Monday": {"9": "maybe"}}}, "maybe"),
            ({"InstanceId": plain, "AutoScalingSchedule": SCHEDULE}, "time-based"),
        ],
        missing=[({"InstanceId": NOWHERE}, NOWHERE)],
    )


@case("DescribeTimeBasedAutoScaling")
def describe_time_based(w: World) -> Case:
    stack = w.stack()
    timed = w.instance(stack, w.layer(stack), AutoScalingType="timer")
    w("SetTimeBasedAutoScaling", InstanceId=timed, AutoScalingSchedule=SCHEDULE)
    return Case(minimal={"InstanceIds": [timed]}, missing=[({"InstanceIds": [NOWHERE]}, NOWHERE)])


@case("SetLoadBasedAutoScaling")
def set_load_based(w: World) -> Case:
    layer = w.layer(w.stack())
    full = {"LayerId": layer, "Enable": True, "UpScaling": THRESHOLDS, "DownScaling": {**THRESHOLDS, "CpuThreshold": 30.0,
            "MemoryThreshold": 20.0, "LoadThreshold": 0.5}}  # fmt: skip
    return Case(
        minimal={"LayerId": layer},
        fuller=[full, {"LayerId": layer, "UpScaling": ALARMS, "DownScaling": ALARMS}],
        invalid=[
            ({"LayerId": layer, "UpScaling": {"CpuThreshold": 101.0}}, "CpuThreshold"),
            ({"LayerId": layer, "UpScaling": {"ThresholdsWaitTime": 101}}, "ThresholdsWaitTime"),
            ({"LayerId": layer, "UpScaling": {"Alarms": list("abcdef")}}, "Alarms"),
        ],
        missing=[({"LayerId": NOWHERE}, NOWHERE)],
    )


@case("DescribeLoadBasedAutoScaling")
def describe_load_based(w: World) -> Case:
    layer = w.layer(w.stack())
    both = {**THRESHOLDS, "Alarms": ["busy"]}
    down = {**both, "CpuThreshold": 30.0, "MemoryThreshold": 20.0, "LoadThreshold": 0.5}
    w("SetLoadBasedAutoScaling", LayerId=layer, Enable=True, UpScaling=both, DownScaling=down)
    return Case(minimal={"LayerIds": [layer]}, missing=[({"LayerIds": [NOWHERE]}, NOWHERE)])
