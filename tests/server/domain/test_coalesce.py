"""When a Configure goes out (D16): soon after one change, seldom in a storm, and O(n) in all."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.server.made import NOW, instance
from toque_server.domain.actions import Configure, Due, Wait
from toque_server.domain.coalesce import decide, may_act
from toque_server.domain.instance import Instance, Status
from toque_server.settings import ConfigureTimes

TIMES = ConfigureTimes()
CALM = [instance(f"web-{n}") for n in range(4)]
CROWD = [*CALM, *(instance(f"new-{n}", Status.RUNNING_SETUP) for n in range(4))]


def due(*, began: float, changed: float, limit: float = 0) -> Due:
    return Due(
        stack_id="s-1",
        first_at=NOW - timedelta(seconds=began),
        last_at=NOW - timedelta(seconds=changed),
        limit_seconds=limit,
        cause="web-1 came online",
    )


def said(action: Configure | Wait | None) -> str:
    match action:
        case Configure(_, _, None):
            return "configure"
        case Configure(_, _, Due(limit_seconds=limit)):
            return f"configure, then {limit:.0f} s"
        case Wait(_, None):
            return "forget"
        case Wait(_, Due(limit_seconds=limit)):
            return f"wait {limit:.0f} s"
    return "later"


@pytest.mark.parametrize(
    ("stack", "began", "changed", "limit", "expected"),
    [
        (CALM, 0.4, 0.4, 0, "later"),
        (CALM, 0.5, 0.5, 0, "configure"),
        (CALM, 1.9, 0.1, 0, "later"),
        (CALM, 2.0, 0.1, 0, "configure, then 4 s"),
        (CALM, 4.0, 0.1, 4, "configure, then 8 s"),
        (CALM, 60, 0.1, 60, "configure, then 60 s"),
        (CALM, 3.0, 0.6, 4, "later"),
        (CALM, 3.0, 1.0, 4, "configure, then 4 s"),
        (CALM, 3.9, 10, 4, "later"),
        (CALM, 4.0, 10, 4, "forget"),
        (CROWD, 9.0, 10, 4, "later"),
        (CROWD, 1.9, 1.9, 0, "later"),
        (CROWD, 2.0, 0.1, 0, "wait 4 s"),
        (CROWD, 2.0, 1.5, 0, "configure, then 4 s"),
        (CROWD, 32, 0.1, 32, "wait 60 s"),
        (CROWD, 60, 0.1, 60, "configure, then 60 s"),
    ],
)
def test_what_a_wait_comes_to(stack: list[Instance], began: float, changed: float, limit: float, expected: str) -> None:
    seen = due(began=began, changed=changed, limit=limit)

    assert said(decide(seen, stack, TIMES, NOW)) == expected
    assert expected == "later" or may_act(seen, TIMES, NOW)


def test_E_3_only_online_instances_are_configured() -> None:
    stack = [instance(status.value, status) for status in Status]

    action = decide(
        due(began=1, changed=1), [*stack, *(instance(f"off-{n}", Status.STOPPED) for n in range(40))], TIMES, NOW
    )

    assert isinstance(action, Configure)
    assert action.recipients == ("online",)


@pytest.mark.parametrize("spread", [1, 10, 60, 120])
def test_a_thousand_instances_that_come_up_together_run_three_configures_each_at_most(spread: int) -> None:
    runs, counts = simulated(1000, timedelta(seconds=spread))

    assert max(runs.values()) <= 3
    assert min(runs.values()) >= 1, "everybody hears of the last change"
    assert counts <= 4


@given(st.integers(1, 60), st.integers(0, 200))
def test_everybody_hears_of_the_last_change_whatever_the_pace(size: int, spread: int) -> None:
    runs, _ = simulated(size, timedelta(seconds=spread))

    assert all(count >= 1 for count in runs.values())
    assert sum(runs.values()) <= 14 * size


def simulated(size: int, spread: timedelta) -> tuple[dict[str, int], int]:
    """Bring `size` instances up, evenly over `spread`; how often each was configured, and how often anybody was."""
    now: datetime = NOW
    stack = [instance(f"web-{n}", Status.RUNNING_SETUP) for n in range(size)]
    online_at = [NOW + spread * (n + 1) / size for n in range(size)]
    runs = {each.id: 0 for each in stack}
    wait: Due | None = None
    up = fires = 0
    while up < size or wait is not None:
        now += timedelta(seconds=0.1)
        while up < size and online_at[up] <= now:
            stack[up] = replace(stack[up], status=Status.ONLINE)
            up += 1
            fresh = Due(stack_id="s-1", first_at=now, last_at=now, limit_seconds=0, cause="")
            wait = fresh if wait is None else replace(wait, last_at=now)
        if wait is None or not may_act(wait, TIMES, now):
            continue
        match decide(wait, stack, TIMES, now):
            case Configure(_, recipients, following):
                fires += 1
                wait = following
                for id in recipients:
                    runs[id] += 1
            case Wait(_, following):
                wait = following
    return runs, fires
