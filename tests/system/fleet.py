"""A house whose instances are sandboxes that its server starts, stops and heals."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.together import house as houses
from tests.together.house import LONG, House
from toque import sandbox
from toque_server.cli.demo.api import wait_until
from toque_server.cli.demo.fleet import remove_sandboxes

AGENT = "toque.daemon.main"


class Fleet:
    """`house`, and what can be done to its sandboxes from outside and from inside."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.api = house.api

    def create(self, hostname: str, *, layers: list[str] | None = None, persistent: bool = True) -> str:
        return str(
            self.api(
                "CreateInstance",
                StackId=self.house.stack_id,
                LayerIds=layers or [self.house.layer_id],
                InstanceType="sandbox.small",
                Hostname=hostname,
                RootDeviceType="ebs" if persistent else "instance-store",
            )["InstanceId"]
        )

    def start(self, *instances: str) -> None:
        for instance in instances:
            self.api("StartInstance", InstanceId=instance)
        self.wait_online(*instances)

    def wait_online(self, *instances: str) -> None:
        for instance in instances:
            self.house.wait_for(instance, "online")
        self.house.wait_for_quiet()

    def shown(self, instance: str) -> dict[str, Any]:
        return dict(self.api("DescribeInstances", InstanceIds=[instance])["Instances"][0])

    def directory(self, instance: str) -> Path:
        return self.house.server.data_dir / "sandboxes" / str(self.shown(instance)["Ec2InstanceId"])

    def inside(self, instance: str, *argv: str) -> str:
        done = sandbox.execute(self.directory(instance), argv)
        assert done.returncode == 0, f"{argv} gave {done.returncode}: {done.stderr.decode()}"
        return done.stdout.decode().strip()

    def power_cut(self, instance: str) -> None:
        """SIGKILL to everything in the sandbox."""
        sandbox.kill(self.directory(instance))

    def silence(self, instance: str) -> None:
        """The machine runs on, and its agent says nothing."""
        self.inside(instance, "pkill", "-STOP", "-f", AGENT)

    def unsilence(self, instance: str) -> None:
        self.inside(instance, "pkill", "-CONT", "-f", AGENT)

    def now(self) -> int:
        """The number of the newest event: what happens next is after it."""
        return int(self.api("DescribeEvents", MaxResults=1)["LastNumber"])

    def events(self, after: int, *, instance: str | None = None, kind: str | None = None) -> list[dict[str, Any]]:
        """What happened since, oldest first."""
        found = self.api("DescribeEvents", After=after, MaxResults=1000)["Events"]
        return [
            each
            for each in found
            if (instance is None or each.get("InstanceId") == instance) and (kind is None or each["Kind"] == kind)
        ]

    def statuses(self, instance: str, after: int) -> list[str]:
        """The statuses that an instance went through since."""
        return [each["Data"]["status"] for each in self.events(after, instance=instance, kind="instance.status")]

    def wait_for_event(self, after: int, kind: str, *, seconds: float = LONG) -> dict[str, Any]:
        wait_until(f"the event {kind}", lambda: bool(self.events(after, kind=kind)), seconds=seconds)
        return self.events(after, kind=kind)[0]

    def types(self, instance: str) -> list[str]:
        """The types of an instance's commands, oldest first."""
        commands = self.api("DescribeCommands", InstanceId=instance)["Commands"]
        return [each["Type"] for each in reversed(commands)]


@contextlib.contextmanager
def sandboxes(directory: Path, recipes: dict[str, str], *, settings: str = "") -> Iterator[Fleet]:
    """A server and its stack; its sandboxes are removed at the end, whatever happens."""
    with contextlib.ExitStack() as stack:
        stack.callback(remove_sandboxes, directory / "server")
        yield Fleet(stack.enter_context(houses.opened(directory, recipes, settings=settings)))
