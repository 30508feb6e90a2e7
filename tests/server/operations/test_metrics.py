"""Metrics of instances, layers and stacks, at the resolution that there is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.server.operations.calls import Caller
from toque.protocol.messages import MetricSample
from toque_server.operations import metrics as operations
from toque_server.operations.errors import AccessDeniedException, ResourceNotFoundException, ValidationException
from toque_server.store import metrics

BEGIN = int(datetime(2026, 11, 22, 8, tzinfo=UTC).timestamp()) // 60
DAY = {"Since": "2026-11-22T08:00:00Z", "Until": "2026-11-23T08:00:00Z"}


def measured(root: Caller, stack: str, instance: str, *users: float, begin: int = BEGIN) -> None:
    """One sample a minute: these values of cpu_user, and the rest of cpu_idle."""
    with root.services.database.write() as conn:
        metrics.add(
            conn,
            [
                metrics.Minute(
                    instance, stack, MetricSample(minute=begin + n, cpu_user=user, cpu_idle=100 - user, procs=7)
                )
                for n, user in enumerate(users)
            ],
        )


@pytest.fixture
def house(root_on_either: Caller) -> dict[str, str]:
    """Two layers with an instance of their own each, and one that is in both."""
    root = root_on_either
    stack = root.stack()
    front, back = root.layer(stack, "front"), root.layer(stack, "back")
    made = {"one": root.instance(stack, front), "two": root.instance(stack, back)}
    made["both"] = root.instance(stack, front, back)
    measured(root, stack, made["one"], 10, 20)
    measured(root, stack, made["two"], 90)
    measured(root, stack, made["both"], 30, 40)
    return made | {"stack": stack, "front": front, "back": back}


def told(answer: dict[str, Any], name: str, what: str = "Average") -> list[float]:
    [found] = [each for each in answer["Metrics"] if each["Name"] == name]
    return list(found[what])


def test_08_7_an_instance_is_told_minute_by_minute(root_on_either: Caller, house: dict[str, str]) -> None:
    answer = root_on_either("DescribeMetrics", InstanceId=house["one"], **DAY)

    assert (answer["ResolutionSeconds"], answer["Instances"], answer["Samples"]) == (60, 1, [1, 1])
    assert answer["Times"] == ["2026-11-22T08:00:00+00:00", "2026-11-22T08:01:00+00:00"]
    assert [each["Name"] for each in answer["Metrics"]] == list(metrics.NAMES)
    assert (told(answer, "cpu_user"), told(answer, "cpu_idle")) == ([10, 20], [90, 80])
    assert {each["Name"]: each["Unit"] for each in answer["Metrics"]}.items() > {
        "cpu_idle": "Percent",
        "memory_used": "Kilobytes",
        "load_1": "None",
        "procs": "Count",
    }.items()


def test_08_7_layers_and_stacks_are_told_as_averages_of_their_instances(
    root_on_either: Caller, house: dict[str, str]
) -> None:
    layer = root_on_either("DescribeMetrics", LayerId=house["front"], Names=["cpu_user"], **DAY)
    stack = root_on_either("DescribeMetrics", StackId=house["stack"], Names=["cpu_user"], **DAY)

    assert (told(layer, "cpu_user"), layer["Samples"], layer["Instances"]) == ([20, 30], [2, 2], 2)
    assert (told(stack, "cpu_user"), stack["Samples"], stack["Instances"]) == ([pytest.approx(43.333), 30], [3, 2], 3)
    assert (told(stack, "cpu_user", "Minimum"), told(stack, "cpu_user", "Maximum")) == ([10, 20], [90, 40])


def test_a_coarser_resolution_is_reckoned_from_the_minutes(root: Caller) -> None:
    stack = root.stack()
    one = root.instance(stack, root.layer(stack))
    measured(root, stack, one, *(float(n) for n in range(10)))
    measured(root, stack, one, 50, begin=BEGIN + 60)

    answer = root("DescribeMetrics", InstanceId=one, ResolutionSeconds=300, Names=["cpu_user"], **DAY)

    assert (told(answer, "cpu_user"), answer["Samples"]) == ([2, 7, 50], [5, 5, 1])
    assert answer["Times"][-1] == "2026-11-22T09:00:00+00:00"
    week = root("DescribeMetrics", InstanceId=one, Since="2026-11-20T00:00:00Z", Until="2026-11-27T00:00:00Z")
    assert (week["ResolutionSeconds"], week["Samples"]) == (900, [10, 1])


def test_the_last_hour_is_told_where_nobody_said_when(root: Caller) -> None:
    stack = root.stack()
    one = root.instance(stack, root.layer(stack))
    with root.services.database.read() as conn:
        now = int(root.services.database.now(conn).timestamp()) // 60
    measured(root, stack, one, 1, begin=now - 120)
    measured(root, stack, one, 2, begin=now - 30)

    answer = root("DescribeMetrics", StackId=stack, Names=["cpu_user"])

    assert told(answer, "cpu_user") == [2]
    assert root("DescribeMetrics", LayerId=root.layer(stack, "empty"))["Times"] == []


@pytest.mark.parametrize(
    ("members", "field", "said"),
    [
        ({"Names": ["cpu_user", "cpu"]}, "Names", "Names has 'cpu': please use some of cpu_idle, "),
        ({"Since": "now"}, "Since", "must be a time with its zone"),
        ({"Until": "0001-01-01T00:30:00Z"}, "Until", "too long ago"),
        ({"Since": "2026-11-23T08:00:00Z", "Until": "2026-11-22T08:00:00Z"}, "Since", "Since must be before Until"),
        ({"ResolutionSeconds": 90}, "ResolutionSeconds", "must be a multiple of 60, at most 604800, not 90"),
        ({"ResolutionSeconds": 0}, "ResolutionSeconds", "multiple of 60"),
        (
            {**DAY, "Since": "2026-11-01T08:00:00Z", "ResolutionSeconds": 60},
            "ResolutionSeconds",
            "31680 steps of 60 seconds, and an answer has 1440: please ask for at most 1 day, 0:00:00, or for a coarser",
        ),
        ({"Since": "0001-01-01T00:00:00Z"}, "Since", "an answer has 1440: please ask for at most 1440 days"),
    ],
    ids=["name", "since", "ancient", "order", "odd", "zero", "fine", "ever"],
)
def test_what_is_wrong_is_named(root: Caller, members: dict[str, Any], field: str, said: str) -> None:
    with pytest.raises(ValidationException) as refused:
        root("DescribeMetrics", StackId=root.stack(), **members)

    assert (said in str(refused.value), refused.value.field) == (True, field), str(refused.value)


def test_more_samples_than_can_be_read_at_once_are_refused_with_what_can(
    root: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = root.stack()
    one = root.instance(stack, root.layer(stack))
    measured(root, stack, one, *[1.0] * 60)
    monkeypatch.setattr(operations, "_MOST_SAMPLES", 30)

    with pytest.raises(ValidationException, match="60 samples of 1 instances, and 30 are read at once: please ask for"):
        root("DescribeMetrics", InstanceId=one, **DAY)


def test_metrics_are_for_those_who_may_see_the_stack(root: Caller) -> None:
    stack = root.stack()
    one = root.instance(stack, root.layer(stack))

    with pytest.raises(AccessDeniedException):
        root.as_user("stranger")("DescribeMetrics", InstanceId=one)
    with pytest.raises(ResourceNotFoundException, match="l-none"):
        root("DescribeMetrics", LayerId="l-none")
    with pytest.raises(ValidationException, match="StackId or LayerId or InstanceId"):
        root("DescribeMetrics")
