"""What is bounded: how long commands wait and run, how full a node's disk may be, what a bundle may hold."""

from __future__ import annotations

import base64
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.needs import needs, needs_root
from tests.together import house as houses
from tests.together.house import House
from toque_server.cli.demo.api import Refused

RECIPES = {
    "hello": "from toque import log, node\n\nlog(f'hello from {node.hostname}')\n",
    # A child of its own session, which would outlive a run that was ended carelessly (R9).
    "forever": """
        import subprocess
        from pathlib import Path
        from toque import log, node
        child = subprocess.Popen(["sleep", "100000"], start_new_session=True)
        Path(node["forever"]["path"]).write_text(str(child.pid))
        log("on and on")
        while True:
            pass
    """,
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with houses.opened(tmp_path_factory.mktemp("house"), RECIPES) as opened:
        yield opened


@pytest.fixture(scope="module")
def web1(house: House) -> str:
    """An instance that came online before the limits became tight."""
    instance = house.join("web1")
    house.wait_for(instance, "online")
    house.wait_for_quiet()
    house.server.stop()
    house.nodes["web1"].stop()
    house.server.settings("[command]\nexpire_after = 12\ndeadline = 5")
    house.server.start()
    # A new agent calls at once; the old one might still pause after the server's absence, and let commands expire.
    house.nodes["web1"].start()
    return instance


def runs(pid: int) -> bool:
    """Whether a process is alive; one that has ended and that nobody has collected yet is not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_R9_a_recipe_that_loops_for_ever_ends_at_its_deadline_with_everything_it_started(
    house: House, web1: str, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"

    command = house.run("work::forever", on=[web1], CustomJson=f'{{"forever": {{"path": "{pid}"}}}}')

    assert (command["Status"], command["ExitCode"]) == ("failed", 124)
    log = house.api.log_of(command)
    assert "on and on" in log
    assert "over its limit of 5 s" in log
    assert not runs(int(pid.read_text()))
    assert house.runs() == []
    assert house.run("work::hello", on=[web1])["Status"] == "successful"


def test_04_29_a_command_that_nobody_takes_expires_and_never_runs(house: House, web1: str) -> None:
    house.nodes["web1"].kill()

    command = house.run("work::hello", on=[web1])

    # Ruling 2: `failed` to the clients of OpsWorks, with the reason in the log; `expired` to ours.
    assert (house.deployment(command["DeploymentId"])["Status"], command["Status"]) == ("failed", "failed")
    assert "AcknowledgedAt" not in command
    assert "no agent took it in time" in house.api.log_of(command)
    assert house.api("GetCommandLog", CommandId=command["CommandId"])["Status"] == "expired"

    house.nodes["web1"].start()
    house.wait_for(web1, "online")
    later = house.run("work::hello", on=[web1])
    assert later["Status"] == "successful"
    assert "hello" not in house.api.log_of(command)


def test_R12_a_node_without_space_refuses_commands_and_stays_in_contact(house: House) -> None:
    full = house.join("full", minimum_free_mb=str(1 << 40))
    house.wait_for(full, "setup_failed")

    [setup] = house.api("DescribeCommands", InstanceId=full)["Commands"]
    assert setup["Status"] == "failed"
    assert "disk_full" in house.api.log_of(setup)
    # Contact goes on: the next command is taken, and refused with its reason, too.
    again = house.run("work::hello", on=[full])
    assert "refused by the agent: disk_full" in house.api.log_of(again)
    assert house.status(full) == "setup_failed"


@pytest.mark.root
@needs_root()
@needs("unshare", "mount")
def test_R12_a_disk_that_fills_up_during_a_run_is_survived(house: House, web1: str) -> None:
    home = house.directory / "small"
    mounted = f'mount -t tmpfs -o size=64m,mode=0700 tmpfs {home}/state && exec "$@"'
    (home / "state").mkdir(parents=True)
    small = house.join("small", inside=("unshare", "--mount", "sh", "-c", mounted, "sh"))
    house.wait_for(small, "online")
    house.publish(
        fills=f"""
        from toque import execute, log
        with open("{home}/state/ballast", "wb", buffering=0) as out:
            try:
                while out.write(bytes(65536)):
                    pass
            except OSError as full:
                log(f"the disk is full: {{full}}")
        execute(["/bin/true"], creates="/")
        """
    )

    ended = house.run("work::fills", on=[small])
    refused = house.run("work::hello", on=[small])

    # The run that filled the disk ends in the journal, and what it said is told.
    assert (ended["Status"], ended["ExitCode"]) == ("successful", 0)
    assert "disk_full" in house.api.log_of(refused)
    node = house.nodes["small"].process
    assert node is not None
    Path(f"/proc/{node.pid}/root{home}/state/ballast").unlink()
    assert house.run("work::hello", on=[small])["Status"] == "successful"


def bundle(*names: str) -> str:
    """A bundle with these files, in base64."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name in names:
            text = b'[cookbook]\nname = "evil"\nversion = "1.0.0"\n' if name.endswith("cookbook.toml") else b"\n"
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return base64.b64encode(out.getvalue()).decode()


@pytest.mark.parametrize("name", ["../evil.py", "evil/recipes/../../../../evil.py", "/evil.py"])
def test_S21_a_bundle_that_reaches_outside_is_not_published(house: House, name: str) -> None:
    before = house.api("DescribeCookbooks", StackId=house.stack_id)

    with pytest.raises(Refused, match=r"400.*Archive.*evil\.py"):
        house.api("PublishCookbooks", StackId=house.stack_id, Archive=bundle("evil/cookbook.toml", name))

    assert house.api("DescribeCookbooks", StackId=house.stack_id) == before


def test_publishing_what_is_no_bundle_says_so(house: House) -> None:
    with pytest.raises(Refused, match=r"400.*Archive"):
        house.api("PublishCookbooks", StackId=house.stack_id, Archive=base64.b64encode(b"no archive").decode())
