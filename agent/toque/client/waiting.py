"""Waiters: asking until what was ordered has happened, or can no longer happen (chapter 09 § 8)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from toque.client.errors import ResourceNotFoundException


class WaitFailed(Exception):
    """It cannot happen any more, or the attempts are used up."""


@dataclass(frozen=True)
class Waiter:
    """Polls an operation until every record has a status of `success`; one of `failure` ends the wait at once.

    Without `records` the answer itself is the success. `gone`: an id that is not found any more is one too.
    """

    operation: str
    records: str = ""
    success: frozenset[str] = frozenset()
    failure: frozenset[str] = frozenset()
    gone: bool = False
    delay: float = 15
    attempts: int = 40


def _instances(success: str, failure: str, *, gone: bool = False) -> Waiter:
    return Waiter("DescribeInstances", "Instances", frozenset({success}), frozenset(failure.split()), gone)


WAITERS: Final[Mapping[str, Waiter]] = {
    "AppExists": Waiter("DescribeApps", delay=1),
    "DeploymentSuccessful": Waiter(
        "DescribeDeployments", "Deployments", frozenset({"successful"}), frozenset({"failed"})
    ),
    "InstanceOnline": _instances(
        "online", "setup_failed shutting_down start_failed stopped stopping terminating terminated stop_failed"
    ),
    "InstanceRegistered": _instances(
        "registered", "setup_failed shutting_down stopped stopping terminating terminated stop_failed"
    ),
    "InstanceStopped": _instances(
        "stopped", "booting pending rebooting requested running_setup setup_failed start_failed stop_failed"
    ),
    "InstanceTerminated": _instances(
        "terminated", "booting online pending rebooting requested running_setup setup_failed start_failed", gone=True
    ),
}


def wait(
    waiter: Waiter,
    ask: Callable[[], Mapping[str, Any]],
    *,
    delay: float | None = None,
    attempts: int | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Return when it has happened. Raises WaitFailed, and CallFailed for an error that the waiter does not expect.

    `delay` (seconds) and `attempts` replace the waiter's own. The first look is at once.
    """
    every, looks = waiter.delay if delay is None else delay, waiter.attempts if attempts is None else attempts
    for attempt in range(looks):
        if attempt:
            pause(every)
        try:
            answer = ask()
        except ResourceNotFoundException:
            if waiter.gone:
                return
            raise
        if not waiter.records:
            return
        statuses = {str(each.get("Status")) for each in answer.get(waiter.records, ())}
        if bad := sorted(statuses & waiter.failure):
            raise WaitFailed(f"waiting ended: something is {bad[0]}")
        if statuses and statuses <= waiter.success:
            return
    raise WaitFailed(f"it did not happen within {looks} looks, {every:g} s apart")
