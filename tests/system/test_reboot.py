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

PROVES = ("reboot",)

RECIPES = {
    "restart": "from toque import node\n\nnode.request_reboot('a new kernel')\n",
    "hello": "from toque import log\n\nlog('hello again')\n",
    "across": """
        from toque import file, reboot

        file("/srv/across.conf", content="1")
        with open("/srv/across.parts", "a") as parts:
            parts.write(open("/proc/sys/kernel/random/boot_id").read())
        reboot("half of it needs a boot", when="now")
        file("/srv/across.done", content="2")
    """,
    "again": """
        from toque import reboot

        reboot("at " + open("/proc/sys/kernel/random/boot_id").read().strip(), when="now")
    """,
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    try:
        with houses.opened(folder, RECIPES) as opened:
            yield opened
    finally:
        remove_sandboxes(folder / "server")


@pytest.fixture(scope="module")
def instance(house: House) -> str:
    """An instance that is online, and has nothing to do."""
    made = house.api("CreateInstance", StackId=house.stack_id, LayerIds=[house.layer_id], InstanceType="sandbox.small")
    house.api("StartInstance", InstanceId=made["InstanceId"])
    house.wait_for(made["InstanceId"], "online")
    house.wait_for_quiet()
    return str(made["InstanceId"])


@pytest.fixture
def box(house: House, instance: str) -> Path:
    """The directory of its sandbox."""
    machine = house.api("DescribeInstances", InstanceIds=[instance])["Instances"][0]["Ec2InstanceId"]
    return house.server.data_dir / "sandboxes" / str(machine)


def boot_id(box: Path) -> str:
    try:
        return sandbox.execute(box, ["cat", "/proc/sys/kernel/random/boot_id"]).stdout.decode()
    except sandbox.SandboxError:  # in the middle of a reboot nobody answers
        return ""


def test_a_recipe_restarts_its_machine_and_the_instance_is_back_online_with_its_disk(
    house: House, instance: str, box: Path
) -> None:
    before = boot_id(box)

    command = house.run("work::restart", on=[instance])

    assert (command["Status"], command["ExitCode"]) == ("successful", 0)
    assert "the agent reboots the machine: a new kernel" in house.api.log_of(command)
    wait_until("the second boot", lambda: boot_id(box) not in {"", before}, seconds=houses.LONG)
    house.wait_for(instance, "online")
    assert moves_of(house, instance)[-2:] == ["rebooting", "online"]
    assert house.run("work::hello", on=[instance])["Status"] == "successful"
    assert sandbox.console_text(box).count(" starts") == 2


def test_a_command_goes_on_after_the_restart_in_its_middle_and_has_one_result(
    house: House, instance: str, box: Path
) -> None:
    moves = moves_of(house, instance)

    command = house.run("work::across", on=[instance])

    assert (command["Status"], command["ExitCode"]) == ("successful", 0)
    boots = sandbox.execute(box, ["cat", "/srv/across.parts", "/srv/across.done"]).stdout.decode().splitlines()
    assert (len(boots), len(set(boots)), boots[1], boots[2]) == (3, 3, boot_id(box).strip(), "2")
    log = house.api.log_of(command)
    assert "and this command goes on after the boot: half of it needs a boot" in log
    assert "1 changed, 2 unchanged" in log
    # For the others it was there all the time.
    assert moves_of(house, instance) == moves


def test_a_command_that_wants_a_boot_each_time_fails_after_three(house: House, instance: str, box: Path) -> None:
    started = sandbox.console_text(box).count(" starts")

    command = house.run("work::again", on=[instance])

    assert (command["Status"], command["ExitCode"]) == ("failed", 1)
    assert "has restarted its machine 3 times in its middle" in house.api.log_of(command)
    assert sandbox.console_text(box).count(" starts") == started + 3


def moves_of(house: House, instance_id: str) -> list[str]:
    """The states that an instance went through, from the server's events."""
    with closing(sqlite3.connect(f"file:{house.server.data_dir}/toque.db?mode=ro", uri=True)) as db:
        rows = db.execute(
            "SELECT data FROM events WHERE kind = 'instance.status' AND instance_id = ? ORDER BY number", (instance_id,)
        )
        return [str(json.loads(data)["status"]) for (data,) in rows]
