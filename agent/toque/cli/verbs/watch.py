"""Waiting for what was ordered, and telling how far it is: one line on the other stream whenever something changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import click

from toque.cli.output import cell
from toque.cli.verbs.server import Server
from toque.client.errors import ResourceNotFoundException
from toque.client.waiting import WAITERS, WaitFailed

EVERY = 1.0
"""Seconds between two looks."""


def instances(server: Server, ids: Collection[str], waiter: str, *, timeout: float) -> None:
    """Until they are what the waiter of this name wants; raises WaitFailed when one cannot be any more."""
    wanted = WAITERS[waiter]

    def look() -> tuple[dict[str, str], bool]:
        try:
            found = server("DescribeInstances", InstanceIds=list(ids))["Instances"]
        except ResourceNotFoundException:
            if wanted.gone:
                return {}, True
            raise
        states = {each["Hostname"]: each["Status"] for each in found}
        if bad := [f"{name} is {state}" for name, state in states.items() if state in wanted.failure]:
            raise WaitFailed(", ".join(bad))
        return states, all(state in wanted.success for state in states.values())

    if ids:
        _until(look, timeout)


def deployment(server: Server, id: str, *, timeout: float) -> None:
    """Until it has ended; raises WaitFailed, with what to look at, when it ended badly."""

    def look() -> tuple[dict[str, str], bool]:
        status = server("DescribeDeployments", DeploymentIds=[id])["Deployments"][0]["Status"]
        commands = server.every("DescribeCommandDetails", "Commands", DeploymentId=id)
        if status == "failed":
            raise WaitFailed("\n".join([f"deployment {id} failed", *_failures(commands)]))
        return {each["Hostname"]: each["State"] for each in commands}, status != "running"

    _until(look, timeout)


def _failures(commands: list[dict[str, Any]]) -> Iterator[str]:
    for each in commands:
        if each["State"] not in ("successful", "skipped"):
            why = f"exit code {each['ExitCode']}" if each.get("ExitCode") is not None else each["State"]
            reason = f", {cell(each['Reason'])}" if each.get("Reason") else ""
            yield f"  {cell(each['Hostname'])}: {why}{reason}; see `toque command log {each['CommandId']}`"


def _until(look: Callable[[], tuple[Mapping[str, str], bool]], timeout: float) -> None:
    until, told = time.monotonic() + timeout, dict[str, str]()
    while True:
        states, done = look()
        for name, state in states.items():
            if told.get(name) != state:
                click.echo(f"{cell(name)}: {state}", err=True)
                told[name] = state
        if done:
            return
        if time.monotonic() >= until:
            raise WaitFailed(f"not done after {timeout:g} s; it goes on without us")
        time.sleep(EVERY)
