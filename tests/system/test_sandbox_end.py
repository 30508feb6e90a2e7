from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.needs import needs_root
from tests.system.case_sandbox import Box, a_box, processes_in, wait_for
from toque import sandbox

pytestmark = [pytest.mark.root, needs_root()]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with a_box(tmp_path) as made:
        yield made


def test_a_sandbox_that_never_was_is_gone_and_one_that_was_stopped_is_stopped(box: Box) -> None:
    assert box.state == "gone"
    box.start()
    assert box.state == "running"

    sandbox.stop(box.spec.directory, grace=10)

    assert box.state == "stopped"
    sandbox.remove(box.spec.directory)
    assert box.state == "gone"


def test_sigkill_of_pid_1_kills_everything_inside_and_is_a_failure(box: Box) -> None:
    box.start(agent_argv=("/bin/sleep", "1000"))
    box.shell("setsid sleep 1000 & setsid sleep 1000 &")
    namespace = box.namespace()
    assert len(processes_in(namespace)) >= 4

    os.kill(box.pid, signal.SIGKILL)

    wait_for("an empty namespace", lambda: processes_in(namespace) == [])
    assert box.state == "failed"
    assert str(box.spec.directory) not in Path("/proc/self/mounts").read_text()


def test_a_pid_that_was_given_to_another_process_is_not_taken_for_the_sandbox(box: Box) -> None:
    box.start()
    sandbox.kill(box.spec.directory)
    record = box.spec.directory / "process.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"pid": os.getpid()}))

    assert box.state == "failed"
    sandbox.stop(box.spec.directory, grace=1)  # would end this test run if it took us for PID 1


def test_processes_that_will_not_end_are_killed_when_the_grace_is_over(box: Box) -> None:
    box.start(agent_argv=("/bin/sh", "-c", "trap '' TERM; echo up > /run/up; while true; do sleep 1; done"))
    wait_for("the agent", lambda: box.shell("cat /run/up 2>/dev/null || true") == "up")
    namespace = box.namespace()

    sandbox.stop(box.spec.directory, grace=0.5)

    assert processes_in(namespace) == []
    assert box.state == "stopped"


def test_people_find_its_pid_1_among_the_hosts_processes_by_its_names(box: Box) -> None:
    pid = box.start().pid

    found = subprocess.run(["pgrep", "-f", "toque-init box web1"], capture_output=True, text=True).stdout.split()

    assert str(pid) in found


def test_starting_what_runs_leaves_it_alone(box: Box) -> None:
    pid = box.start().pid

    assert sandbox.start(box.spec) == pid


def test_many_starts_at_once_make_one_sandbox(box: Box) -> None:
    with ThreadPoolExecutor(8) as pool:
        pids = set(pool.map(lambda _: sandbox.start(box.spec), range(8)))

    assert len(pids) == 1


@pytest.mark.parametrize("moment", [0.0, 0.02, 0.05, 0.1])
def test_R1_a_server_killed_in_the_middle_of_a_start_leaves_a_whole_sandbox_or_none(
    box: Box, tmp_path: Path, moment: float
) -> None:
    box.spec = replace(box.spec, toolchain=tmp_path / "tools")
    box.start()
    sandbox.stop(box.spec.directory, grace=5)
    starter = os.fork()
    if starter == 0:
        sandbox.start(box.spec)
        os._exit(0)
    time.sleep(moment)
    os.kill(starter, signal.SIGKILL)
    os.waitpid(starter, 0)

    box.start()

    assert box.state == "running"
    assert box.run("echo", "whole") == "whole"


def test_when_its_owner_is_killed_a_sandbox_ends_by_itself(box: Box, tmp_path: Path) -> None:
    lifeline = tmp_path / "lifeline"
    owner = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"""
import sys
sys.path[:0] = {[str(ROOT), str(ROOT / "agent")]!r}
from pathlib import Path
from toque.sandbox import hold_lifeline
hold_lifeline(Path({str(lifeline)!r}))
print("held", flush=True)
sys.stdin.read()
""",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert owner.stdin is not None and owner.stdout is not None
    assert owner.stdout.readline() == b"held\n"
    box.start(lifeline=lifeline, orphan_after=0.3)
    namespace = box.namespace()
    assert box.run("echo", "alive") == "alive"

    owner.kill()
    owner.communicate()

    wait_for("the sandbox to end", lambda: box.state == "stopped")
    assert processes_in(namespace) == []
    assert (box.spec.directory / "ended").read_text() == "orphaned\n"


def test_a_sandbox_that_cannot_be_made_says_why_and_leaves_nothing(box: Box, tmp_path: Path) -> None:
    with pytest.raises(sandbox.SandboxError, match=r"cannot make the sandbox box.*not-there"):
        box.start(binds={"/srv/x": tmp_path / "not-there"})

    assert box.state == "gone"
