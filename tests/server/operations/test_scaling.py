from __future__ import annotations

from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException

WINDOWS = "Microsoft Windows Server 2012 R2 Base"
UP = {"InstanceCount": 1, "ThresholdsWaitTime": 5, "IgnoreMetricsTime": 5, "CpuThreshold": 80.0}
DOWN = {"InstanceCount": 1, "ThresholdsWaitTime": 10, "IgnoreMetricsTime": 10, "CpuThreshold": 30.0}


def timer(root: Caller) -> str:
    stack = root.stack()
    return root.instance(stack, root.layer(stack), AutoScalingType="timer")


def schedule(root: Caller, instance: str) -> dict[str, dict[str, str]]:
    [found] = root("DescribeTimeBasedAutoScaling", InstanceIds=[instance])["TimeBasedAutoScalingConfigurations"]
    assert found["InstanceId"] == instance
    hours: dict[str, dict[str, str]] = found["AutoScalingSchedule"]
    return hours


def load(root: Caller, layer: str) -> dict[str, Any]:
    found: dict[str, Any] = root("DescribeLoadBasedAutoScaling", LayerIds=[layer])
    return dict(found["LoadBasedAutoScalingConfigurations"][0])


# -- schedules ---------------------------------------------------------------------------------------------------------


def test_03_28_a_schedule_is_merged_by_the_hour_and_shows_what_was_ever_set(root_on_either: Caller) -> None:
    root = root_on_either
    instance = timer(root)
    assert schedule(root, instance) == {}

    root("SetTimeBasedAutoScaling", InstanceId=instance, AutoScalingSchedule={"Monday": {"10": "on"}})
    root("SetTimeBasedAutoScaling", InstanceId=instance, AutoScalingSchedule={"Monday": {"11": "on"}, "Friday": {}})
    assert schedule(root, instance) == {"Monday": {"10": "on", "11": "on"}}

    root("SetTimeBasedAutoScaling", InstanceId=instance, AutoScalingSchedule={"Monday": {"10": "off"}})
    root("SetTimeBasedAutoScaling", InstanceId=instance)
    assert schedule(root, instance) == {"Monday": {"10": "off", "11": "on"}}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"Monday": {"24": "on"}}, "Monday has no hour '24'"),
        ({"Monday": {"08": "on"}}, "Monday has no hour '08'"),
        ({"Monday": {"8": "ON"}}, "AutoScalingSchedule.Monday.8 must be one of off, on"),
        ({"Monday": {"8": True}}, "AutoScalingSchedule.Monday.8"),
        ({"Monday": {"8": None}}, "Monday"),
        ({"Monday": {"8": ""}}, "Monday"),
        ({"Monday": ["8"]}, "AutoScalingSchedule.Monday must be an object"),
        ({"Mondays": {"8": "on"}}, "did you mean Monday"),
    ],
    ids=["24", "leading zero", "upper case", "boolean", "null", "empty", "list", "no such day"],
)
def test_03_28_a_schedule_that_is_none_is_refused_and_changes_nothing(
    root: Caller, wrong: dict[str, Any], why: str
) -> None:
    instance = timer(root)

    with pytest.raises(ValidationException, match=why):
        root("SetTimeBasedAutoScaling", InstanceId=instance, AutoScalingSchedule=wrong | {"Sunday": {"1": "on"}})
    assert schedule(root, instance) == {}


def test_i_14_only_time_based_instances_have_a_schedule(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack)
    for members in ({}, {"AutoScalingType": "load"}):
        instance = root.instance(stack, layer, **members)
        with pytest.raises(ValidationException, match="is not a time-based instance.*AutoScalingType to timer"):
            root("SetTimeBasedAutoScaling", InstanceId=instance, AutoScalingSchedule={"Monday": {"1": "on"}})


def test_i_14_a_schedule_may_change_while_the_instance_runs(root: Caller) -> None:
    instance = timer(root)
    root.bring_online(instance)

    root("SetTimeBasedAutoScaling", InstanceId=instance, AutoScalingSchedule={"Sunday": {"0": "on"}})

    assert schedule(root, instance) == {"Sunday": {"0": "on"}}


def test_i_3_a_schedule_is_dropped_with_the_type_and_survives_every_other_change(root: Caller) -> None:
    instance = timer(root)
    root("SetTimeBasedAutoScaling", InstanceId=instance, AutoScalingSchedule={"Sunday": {"0": "on"}})

    root("UpdateInstance", InstanceId=instance, AutoScalingType="timer", InstanceType="large")
    assert schedule(root, instance) == {"Sunday": {"0": "on"}}

    root("UpdateInstance", InstanceId=instance, AutoScalingType="load")
    assert schedule(root, instance) == {}
    root("UpdateInstance", InstanceId=instance, AutoScalingType="timer")
    assert schedule(root, instance) == {}


def test_schedules_are_asked_for_by_instance_and_an_unknown_one_is_not_found(root: Caller) -> None:
    for operation, member in (
        ("DescribeTimeBasedAutoScaling", "InstanceIds"),
        ("DescribeLoadBasedAutoScaling", "LayerIds"),
    ):
        with pytest.raises(ValidationException, match=member):
            root(operation)
        with pytest.raises(ValidationException, match=member):
            root(operation, **{member: []})
        with pytest.raises(ResourceNotFoundException, match="nobody"):
            root(operation, **{member: ["nobody"]})
    for operation, member in (("SetTimeBasedAutoScaling", "InstanceId"), ("SetLoadBasedAutoScaling", "LayerId")):
        with pytest.raises(ResourceNotFoundException, match="nobody"):
            root(operation, **{member: "nobody"})


# -- load --------------------------------------------------------------------------------------------------------------


def test_i_15_a_layer_that_was_never_set_shows_the_defaults_disabled(root_on_either: Caller) -> None:
    layer = root_on_either.layer(root_on_either.stack())

    assert load(root_on_either, layer) == {"LayerId": layer, "Enable": False, "UpScaling": UP, "DownScaling": DOWN}


def test_i_15_members_that_are_not_sent_keep_their_value(root_on_either: Caller) -> None:
    root = root_on_either
    layer = root.layer(root.stack(), Packages=["curl"], CustomJson='{"a": 1}')

    root("SetLoadBasedAutoScaling", LayerId=layer, Enable=True, UpScaling={"CpuThreshold": 90, "Alarms": ["busy"]})
    root("SetLoadBasedAutoScaling", LayerId=layer, DownScaling={"InstanceCount": 2, "MemoryThreshold": -1})
    root("UpdateLayer", LayerId=layer, Name="renamed")

    assert load(root, layer) == {
        "LayerId": layer,
        "Enable": True,
        "UpScaling": UP | {"CpuThreshold": 90.0, "Alarms": ["busy"]},
        "DownScaling": DOWN | {"InstanceCount": 2, "MemoryThreshold": -1.0},
    }
    [shown] = root("DescribeLayers", LayerIds=[layer])["Layers"]
    assert (shown["Packages"], shown["CustomJson"]) == (["curl"], '{"a": 1}')


def test_03_29_what_is_beyond_the_limits_is_refused_and_changes_nothing(root: Caller) -> None:
    layer = root.layer(root.stack())
    for wrong in (
        {"UpScaling": {"ThresholdsWaitTime": 0}},
        {"DownScaling": {"IgnoreMetricsTime": 101}},
        {"UpScaling": {"Alarms": list("abcdef")}},
        {"UpScaling": {"CpuThreshold": 30}},
    ):
        with pytest.raises(ValidationException, match=next(iter(wrong))):
            root("SetLoadBasedAutoScaling", LayerId=layer, Enable=True, **wrong)
    assert load(root, layer)["Enable"] is False

    root("SetLoadBasedAutoScaling", LayerId=layer, UpScaling={"ThresholdsWaitTime": 1, "IgnoreMetricsTime": 100})
    assert load(root, layer)["UpScaling"]["IgnoreMetricsTime"] == 100


def test_i_15_a_windows_stack_has_no_load_based_scaling(root: Caller) -> None:
    layer = root.layer(root.stack(DefaultOs=WINDOWS))

    with pytest.raises(ValidationException, match="Windows stack has no load-based instances"):
        root("SetLoadBasedAutoScaling", LayerId=layer, Enable=True)


def test_l_19_the_load_settings_of_a_layer_end_with_it(root: Caller) -> None:
    stack = root.stack()
    layer = root.layer(stack, "a")
    root("SetLoadBasedAutoScaling", LayerId=layer, Enable=True)
    root("DeleteLayer", LayerId=layer)

    assert load(root, root.layer(stack, "a"))["Enable"] is False
    with pytest.raises(ResourceNotFoundException, match=layer):
        load(root, layer)


def test_showing_takes_show_and_setting_takes_manage(root: Caller) -> None:
    instance = timer(root)
    [found] = root("DescribeInstances", InstanceIds=[instance])["Instances"]
    layer, stack = found["LayerIds"][0], found["StackId"]
    root("CreateUser", UserName="ann")
    arn = "arn:aws:iam::123456789012:user/ann"
    ann = root.as_user("ann")
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="deploy")

    assert schedule(ann, instance) == {}
    assert load(ann, layer)["Enable"] is False
    for operation, members in (
        ("SetTimeBasedAutoScaling", {"InstanceId": instance}),
        ("SetLoadBasedAutoScaling", {"LayerId": layer}),
    ):
        with pytest.raises(AccessDeniedException, match=operation):
            ann(operation, **members)
    root("SetPermission", StackId=stack, IamUserArn=arn, Level="manage")
    ann("SetTimeBasedAutoScaling", InstanceId=instance, AutoScalingSchedule={"Monday": {"1": "on"}})
    ann("SetLoadBasedAutoScaling", LayerId=layer, Enable=True)
