"""The demo's own small client: it speaks the token API, as any script of a user would."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import requests


class Refused(Exception):
    """The server answered with an error; the message is the server's own."""

    def __init__(self, operation: str, answer: requests.Response) -> None:
        super().__init__(f"{operation}: {answer.status_code} {answer.text[:500]}")


class TookTooLong(Exception):
    """What the demo waited for did not come."""


class Api:
    """Calls operations: `Api(url, token)("DescribeStacks")["Stacks"]`."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, operation: str, **members: Any) -> dict[str, Any]:
        answer = self._session.post(f"{self.url}/api/{operation}", json=members, timeout=30)
        if answer.status_code != 200:
            raise Refused(operation, answer)
        return dict(answer.json()) if answer.content else {}

    def instances(self, stack_id: str) -> dict[str, dict[str, Any]]:
        """The stack's instances by host name."""
        found = self("DescribeInstances", StackId=stack_id)["Instances"]
        return {each["Hostname"]: each for each in found}

    def commands(self, deployment_id: str) -> list[dict[str, Any]]:
        return list(self("DescribeCommands", DeploymentId=deployment_id)["Commands"])

    def log_of(self, command: dict[str, Any]) -> str:
        """The text of a command's log, by its signed address."""
        answer = self._session.get(command["LogUrl"], timeout=30)
        return answer.text


def wait_until(what: str, ready: Callable[[], bool], *, seconds: float, every: float = 0.2) -> None:
    """Return when `ready()` is true; raise `TookTooLong` saying what was waited for."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise TookTooLong(f"waited {seconds:.0f} s for {what}")
        time.sleep(every)
