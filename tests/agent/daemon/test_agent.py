from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.agent.daemon.conftest import Node, wait_for
from tests.fakes.control import Control, Order
from toque.daemon.limits import new_group
from toque.protocol.messages import RunStep


@pytest.fixture
def enrolled(node: Node, control: Control, tmp_path: Path) -> Node:
    control.publish(RECIPES, tmp_path)
    node.start()
    wait_for("the first poll", lambda: control.polls)
    return node


RECIPES = {
    "default": "print('hello from the recipe')",
    "warn": "from toque import log; log('the account eve\\nwas skipped', level='warning')",
    "fail": "raise ValueError('this went wrong')",
    "loop": """
import subprocess, time
subprocess.Popen(["setsid", "sleep", "1000"])
print("looping", flush=True)
while True:
    time.sleep(1)
""",
    "slow": """
import os, pathlib, time
print("slow began", flush=True)
while not pathlib.Path(os.environ["TOQUE_TEST_GO"]).exists():
    time.sleep(0.05)
print("slow ended")
""",
    "secret": """
import subprocess
subprocess.run(["sh", "-c", "echo the password is correct-horse-battery; printf correct-horse-battery | base64"])
""",
    "vanish": """
import os, shutil
shutil.rmtree(os.environ["TOQUE_TEST_RUNS"])
""",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "daemon": """
import subprocess
subprocess.Popen(["setsid", "sh", "-c", "sleep 1001; true"])
print("left a daemon")
""",
    "noisy": """
import os
for _ in range(1024):
    os.write(1, bytes(range(256)) * 4096)
""",
    "bomb": """
import os, time
try:
    while True:
        os.fork()
except OSError:
    time.sleep(1000)
""",
}


def finished(control: Control, order: Order) -> Order:
    wait_for(f"the result of {order.envelope.command_id}", lambda: order.result is not None)
    return order


def test_a_command_becomes_a_run_a_log_and_a_result(enrolled: Node, control: Control) -> None:
    order = finished(control, control.order("test::default"))

    assert order.acknowledged
    assert order.result is not None
    assert (order.result.exit_code, order.result.reason) == (0, "")
    assert b"hello from the recipe" in order.log
    assert order.result.log_size == len(order.log)
    assert 0 < order.result.started_at <= order.result.finished_at
    assert order.result.revision == control.bundle_refs["custom"].digest


def test_07_24_what_the_systems_own_tasks_warn_of_comes_with_the_result(enrolled: Node, control: Control) -> None:
    control.bundle_refs["builtin"] = control.bundle_refs["custom"]
    control.new_policy()
    steps = (RunStep("system", ("test::warn",)), RunStep("custom", ("test::warn",)))

    result = finished(control, control.order(steps=steps)).result

    assert result is not None
    assert (result.exit_code, result.warnings) == (0, ("the account eve was skipped",))


def test_ruling_18_a_command_names_the_cookbooks_of_its_run_where_they_are_not_the_newest(
    enrolled: Node, control: Control, tmp_path: Path
) -> None:
    before = control.bundle_refs["custom"]
    control.publish({"default": "print('hello from the newer recipe')"}, tmp_path)

    older = finished(control, control.order("test::default", custom=before))
    newest = finished(control, control.order("test::default"))

    assert older.result is not None
    assert older.result.revision == before.digest
    assert b"hello from the recipe" in older.log
    assert b"hello from the newer recipe" in newest.log


def test_04_13_a_failing_recipe_fails_the_command_and_its_log_says_why(enrolled: Node, control: Control) -> None:
    order = finished(control, control.order("test::fail", "test::default"))

    assert order.result is not None
    assert order.result.exit_code == 1
    assert b"this went wrong" in order.log
    assert b"hello" not in order.log


def test_commands_run_one_after_the_other_in_their_order(enrolled: Node, control: Control) -> None:
    orders = [control.order("test::default") for _ in range(3)]

    ends = [finished(control, each).result for each in orders]

    assert all(each is not None and each.exit_code == 0 for each in ends)
    times = [(each.started_at, each.finished_at) for each in ends if each is not None]
    assert times == sorted(times)
    assert all(before[1] <= after[0] for before, after in pairwise(times))


def test_R9_a_run_over_its_limit_ends_with_124_and_takes_its_whole_tree_along(enrolled: Node, control: Control) -> None:
    order = finished(control, control.order("test::loop", deadline_seconds=1.0))

    assert order.result is not None
    assert (order.result.exit_code, order.result.reason) == (124, "timed_out")
    assert order.result.finished_at - order.result.started_at < 11
    assert not processes_named(b"sleep\x001000\x00")


def processes_named(command_line: bytes) -> list[int]:
    found = []
    for each in Path("/proc").iterdir():
        try:
            if each.name.isdigit() and each.joinpath("cmdline").read_bytes() == command_line:
                found.append(int(each.name))
        except OSError:
            continue
    return found


def test_an_aborted_run_ends_with_130(enrolled: Node, control: Control) -> None:
    order = control.order("test::loop")
    wait_for("the run's output", lambda: b"looping" in order.log)

    control.abort = order.envelope.command_id

    assert finished(control, order).result is not None
    assert order.result is not None
    assert order.result.exit_code == 130


def test_a_killed_run_ends_with_128_and_the_signal(enrolled: Node, control: Control) -> None:
    order = finished(control, control.order("test::killed"))

    assert order.result is not None
    assert (order.result.exit_code, order.result.reason) == (137, "signal_9")


def test_S14_secrets_are_masked_in_the_log(enrolled: Node, control: Control) -> None:
    order = finished(control, control.order("test::secret", data={"masked": ("correct-horse-battery",)}))

    assert bytes(order.log).count(b"***") == 2
    assert b"horse" not in order.log
    assert b"Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5" not in order.log


def test_a_command_without_steps_is_finished_without_a_run(enrolled: Node, control: Control) -> None:
    order = finished(control, control.order(type="update_custom_cookbooks"))

    assert order.result is not None
    assert order.result.exit_code == 0
    assert not (enrolled.run(order.envelope.command_id) / "begun").exists()


def test_04_34_R6_a_run_outlives_its_agent(node: Node, control: Control, tmp_path: Path) -> None:
    go = tmp_path / "go"
    node.settings["TOQUE_TEST_GO"] = str(go)
    control.publish(RECIPES, tmp_path)
    node.start()
    wait_for("enrolment", lambda: control.polls)
    order = control.order("test::slow")
    wait_for("the run's output", lambda: b"slow began" in order.log)

    node.kill()
    node.start()
    polls = len(control.polls)
    wait_for("contact of the new agent", lambda: len(control.polls) > polls)
    go.touch()

    assert finished(control, order).result is not None
    assert order.result is not None
    assert order.result.exit_code == 0
    assert bytes(order.log).count(b"slow began") == 1
    assert b"slow ended" in order.log


def test_R7_a_run_whose_end_nobody_recorded_is_interrupted_and_not_repeated(
    node: Node, control: Control, tmp_path: Path
) -> None:
    node.settings["TOQUE_TEST_GO"] = str(tmp_path / "never")
    control.publish(RECIPES, tmp_path)
    node.start()
    wait_for("enrolment", lambda: control.polls)
    order = control.order("test::slow")
    wait_for("the run's output", lambda: b"slow began" in order.log)

    shim = int((node.run(order.envelope.command_id) / "begun").read_text().split('"pid":')[1].rstrip("}"))
    os.kill(shim, 9)

    assert finished(control, order).result is not None
    assert order.result is not None
    assert (order.result.exit_code, order.result.reason) == (255, "interrupted")
    assert bytes(order.log).count(b"slow began") == 1


def test_R10_deleting_the_run_directory_does_not_hide_how_the_run_ended(
    node: Node, control: Control, tmp_path: Path
) -> None:
    node.settings["TOQUE_TEST_RUNS"] = str(node.state / "runs")
    control.publish(RECIPES, tmp_path)
    node.start()
    wait_for("enrolment", lambda: control.polls)

    order = finished(control, control.order("test::vanish"))
    after = finished(control, control.order("test::default"))

    assert order.result is not None
    assert after.result is not None
    # Its recipe succeeded, and the run's ledger is not in its directory: that is the truth, and it is told.
    assert (order.result.exit_code, after.result.exit_code) == (0, 0)


def test_R10_a_daemon_that_a_recipe_leaves_behind_delays_nothing(enrolled: Node, control: Control) -> None:
    order = finished(control, control.order("test::daemon"))
    after = finished(control, control.order("test::default"))

    assert order.result is not None
    assert after.result is not None
    assert (order.result.exit_code, after.result.exit_code) == (0, 0)
    for pid in processes_named(b"sleep\x001001\x00"):
        os.kill(pid, 9)


def can_limit_processes() -> bool:
    group = new_group("probe")
    found = any((each / "pids.max").exists() for each in group.directories)
    group.remove()
    return found


@pytest.mark.root
@pytest.mark.slow
@pytest.mark.skipif(not can_limit_processes(), reason="no pids cgroup can be written here")
def test_R10_a_fork_bomb_ends_at_its_deadline_and_the_next_command_runs(enrolled: Node, control: Control) -> None:
    order = finished(control, control.order("test::bomb", deadline_seconds=2.0))
    after = finished(control, control.order("test::default"))

    assert order.result is not None
    assert after.result is not None
    assert (order.result.exit_code, after.result.exit_code) == (124, 0)


@pytest.mark.slow
def test_R11_a_gigabyte_of_bytes_is_cut_in_the_middle_and_the_gap_is_stated(enrolled: Node, control: Control) -> None:
    order = finished(control, control.order("test::noisy"))

    assert order.result is not None
    assert order.result.exit_code == 0
    assert order.result.log_size == len(order.log)
    assert 20 << 20 <= len(order.log) <= (20 << 20) + 200
    assert b"bytes of output are not kept here" in order.log


def test_R8_a_lost_answer_to_a_result_changes_nothing(enrolled: Node, control: Control) -> None:
    control.fail_next = ["/agent/v1/result", "/agent/v1/ack", "/agent/v1/poll"]

    order = finished(control, control.order("test::default"))
    wait_for("the result to be sent again", lambda: order.results_received >= 2)

    assert order.result is not None
    assert order.result.exit_code == 0
    assert bytes(order.log).count(b"hello") == 1


def test_R8_a_result_is_told_also_when_the_server_will_not_have_the_log(enrolled: Node, control: Control) -> None:
    control.refuse = {"/agent/v1/log"}

    order = finished(control, control.order("test::default"))

    assert order.result is not None
    assert order.result.exit_code == 0
    assert not order.log


def test_S4_an_agent_whose_clock_is_a_day_off_is_in_contact_after_two_requests(node: Node, control: Control) -> None:
    control.clock = lambda: time.time() + 86_400

    control.new_policy()
    node.start()
    wait_for("contact", lambda: control.polls)
    order = finished(control, control.order())

    enrolments = [path for path, _, _ in control.requests if path.endswith("enrol")]
    assert len(enrolments) <= 2
    assert order.result is not None
    assert abs(order.result.finished_at - control.clock()) < 60


def test_a_stopped_agent_exits_with_0(enrolled: Node) -> None:
    assert enrolled.stop() == 0


def test_a_node_that_is_deregistered_leaves_and_keeps_its_logs(enrolled: Node, control: Control) -> None:
    finished(control, control.order("test::default"))
    finished(control, control.order(type="deregister"))

    assert enrolled.agent is not None
    assert enrolled.agent.wait(timeout=15) == 78
    assert not (enrolled.state / "identity.json").exists()
    assert not list(enrolled.state.glob("keys/*"))
    assert b"hello" in (enrolled.folder / "log" / "runs" / "c-1.log").read_bytes()
