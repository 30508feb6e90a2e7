"""A recipe asks for a reboot: a real server, a real sandbox, and an agent that restarts it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.needs import needs_root
from tests.together import house as houses
from tests.together.house import House
from toque import sandbox
from toque_server.cli.demo.api import wait_until
from toque_server.cli.demo.fleet import remove_sandboxes

pytestmark = [pytest.mark.root, needs_root()]

RECIPES = {
    "restart": "from toque import node\n\nnode.request_reboot('a new kernel')\n",
    "hello": "from toque import log\n\nlog('hello again')\n",
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    try:
        with houses.opened(tmp_path, RECIPES) as opened:
            yield opened
    finally:
        remove_sandboxes(tmp_path / "server")


def boot_id(box: Path) -> str:
    try:
        return sandbox.execute(box, ["cat", "/proc/sys/kernel/random/boot_id"]).stdout.decode()
    except sandbox.SandboxError:  # in the middle of a reboot nobody answers
        return ""


def test_a_recipe_restarts_its_machine_and_the_instance_is_back_online_with_its_disk(house: House) -> None:
    made = house.api("CreateInstance", StackId=house.stack_id, LayerIds=[house.layer_id], InstanceType="sandbox.small")
    instance = made["InstanceId"]
    house.api("StartInstance", InstanceId=instance)
    house.wait_for(instance, "online")
    machine = house.api("DescribeInstances", InstanceIds=[instance])["Instances"][0]["Ec2InstanceId"]
    box = house.server.data_dir / "sandboxes" / machine
    before = boot_id(box)
    house.wait_for_quiet()

    command = house.run("work::restart", on=[instance])

    assert (command["Status"], command["ExitCode"]) == ("successful", 0)
    assert "the agent reboots the machine: a new kernel" in house.api.log_of(command)
    wait_until("the second boot", lambda: boot_id(box) not in {"", before}, seconds=houses.LONG)
    house.wait_for(instance, "online")
    assert moves_of(house, instance)[-2:] == ["rebooting", "online"]
    assert house.run("work::hello", on=[instance])["Status"] == "successful"
    assert sandbox.console_text(box).count(" starts") == 2


def moves_of(house: House, instance_id: str) -> list[str]:
    """The states that an instance went through, from the server's events."""
    with closing(sqlite3.connect(f"file:{house.server.data_dir}/toque.db?mode=ro", uri=True)) as db:
        rows = db.execute(
            "SELECT data FROM events WHERE kind = 'instance.status' AND instance_id = ? ORDER BY number", (instance_id,)
        )
        return [str(json.loads(data)["status"]) for (data,) in rows]
