"""The six waiters of chapter 09 § 8: what each takes for success, what for failure, and what it goes on waiting for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from toque.client.errors import AccessDeniedException, CallFailed, ResourceNotFoundException
from toque.client.waiting import WAITERS, WaitFailed, wait

GOING_ON = {
    "DeploymentSuccessful": ["running"],
    "InstanceOnline": [
        "requested",
        "pending",
        "booting",
        "running_setup",
        "rebooting",
        "connection_lost",
        "registering",
        "registered",
    ],
    "InstanceRegistered": ["registering", "running_setup", "start_failed", "online"],
    "InstanceStopped": ["online", "stopping", "shutting_down", "terminating", "terminated", "connection_lost"],
    "InstanceTerminated": ["stopped", "stopping", "shutting_down", "terminating"],
}
FAILING = {
    "DeploymentSuccessful": ["failed"],
    "InstanceOnline": [
        "setup_failed",
        "shutting_down",
        "start_failed",
        "stopped",
        "stopping",
        "terminating",
        "terminated",
        "stop_failed",
    ],
    "InstanceRegistered": [
        "setup_failed",
        "shutting_down",
        "stopped",
        "stopping",
        "terminating",
        "terminated",
        "stop_failed",
    ],
    "InstanceStopped": [
        "booting",
        "pending",
        "rebooting",
        "requested",
        "running_setup",
        "setup_failed",
        "start_failed",
        "stop_failed",
    ],
    "InstanceTerminated": [
        "booting",
        "online",
        "pending",
        "rebooting",
        "requested",
        "running_setup",
        "setup_failed",
        "start_failed",
    ],
}
SUCCESS = {name: next(iter(WAITERS[name].success)) for name in GOING_ON}


def answering(name: str, *statuses: list[str]) -> Callable[[], Mapping[str, Any]]:
    answers = iter(statuses)
    return lambda: {WAITERS[name].records: [{"Status": status} for status in next(answers)]}


def never(_seconds: float) -> None:
    raise AssertionError("there was nothing to wait for")


@pytest.mark.parametrize("name", sorted(SUCCESS))
def test_09_17_all_must_have_succeeded(name: str) -> None:
    wait(WAITERS[name], answering(name, [SUCCESS[name]] * 5), pause=never)


@pytest.mark.parametrize(("name", "status"), [(name, each) for name, every in FAILING.items() for each in every])
def test_09_17_one_failure_ends_it_at_once(name: str, status: str) -> None:
    with pytest.raises(WaitFailed, match=status):
        wait(WAITERS[name], answering(name, [SUCCESS[name], status]), pause=never)


@pytest.mark.parametrize(("name", "status"), [(name, each) for name, every in GOING_ON.items() for each in every])
def test_09_17_it_goes_on_waiting_for_the_others(name: str, status: str) -> None:
    pauses: list[float] = []

    wait(WAITERS[name], answering(name, [status, SUCCESS[name]], [SUCCESS[name]] * 2), pause=pauses.append)

    assert pauses == [15]


def test_nothing_at_all_is_never_a_success() -> None:
    pauses: list[float] = []

    with pytest.raises(WaitFailed, match="40 looks"):
        wait(WAITERS["InstanceOnline"], lambda: {"Instances": []}, pause=pauses.append)
    assert sum(pauses) == 585


def failing(error: CallFailed) -> Callable[[], Mapping[str, Any]]:
    def ask() -> Mapping[str, Any]:
        raise error

    return ask


def test_09_20_what_is_gone_is_terminated_and_not_online() -> None:
    gone = failing(ResourceNotFoundException("ResourceNotFoundException", "no such instance"))

    wait(WAITERS["InstanceTerminated"], gone, pause=never)
    with pytest.raises(ResourceNotFoundException):
        wait(WAITERS["InstanceOnline"], gone, pause=never)


def test_09_21_an_app_exists_or_not_at_the_first_look() -> None:
    wait(WAITERS["AppExists"], lambda: {"Apps": []}, pause=never)
    with pytest.raises(ResourceNotFoundException):
        wait(WAITERS["AppExists"], failing(ResourceNotFoundException("ResourceNotFoundException", "no")), pause=never)


@pytest.mark.parametrize("name", sorted(WAITERS))
def test_a_denial_ends_every_wait(name: str) -> None:
    with pytest.raises(AccessDeniedException):
        wait(WAITERS[name], failing(AccessDeniedException("AccessDeniedException", "no")), pause=never)
