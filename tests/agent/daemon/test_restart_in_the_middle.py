"""A command that restarts its machine and goes on: with a real agent, and programs in the place of `reboot`.

No machine goes down here: that it has booted is written into the run's ledger, as another boot than that of the wish.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from tests.agent.daemon.conftest import Node, wait_for
from tests.fakes.control import Control, Order
from toque.daemon.marks import LEDGER_BYTES, Ledger, Lock, Status, next_part, prepare_lock
from toque.daemon.state import State
from toque.protocol.messages import Causes, ResourceCounts

RECIPE = """
import os, pathlib, time
from toque import file, reboot
folder = pathlib.Path(os.environ["TOQUE_TEST_FOLDER"])
with (folder / "parts").open("a") as parts:
    parts.write("part\\n")
file(f"{folder}/made", content="x")
while not (folder / "go").exists():
    time.sleep(0.02)
reboot("new kernel", when="now")
file(f"{folder}/made-after", content="y")
"""


@pytest.fixture
def order(node: Node, control: Control, tmp_path: Path) -> Order:
    """A command that restarts the machine, on a node whose `reboot` only writes down that it was called."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("reboot", "systemctl"):
        (programs / name).write_text(f"#!/bin/sh\necho $0 $* >>{tmp_path}/reboots\n")
        (programs / name).chmod(0o755)
    (tmp_path / "go").touch()
    node.settings = {"PATH": f"{programs}:{os.environ['PATH']}", "TOQUE_TEST_FOLDER": str(tmp_path)}
    control.publish({"default": RECIPE}, tmp_path)
    node.start()
    wait_for("the first poll", lambda: control.polls)
    return control.order("test::default")


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def has_ended(node: Node) -> bool:
    assert node.agent is not None
    return node.agent.poll() is not None


def ledger_of(node: Node, order: Order, **changes: object) -> Ledger:
    """The ledger of its run, with these changes made."""
    lock = Lock(State(node.state).lock(order.envelope.command_id))
    ledger = msgspec.structs.replace(lock.read(), **changes)
    if changes:
        lock.write(ledger)
    lock.close()
    return ledger


def boot(node: Node, order: Order) -> None:
    """The machine has gone down and come up: what was asked was asked in another boot."""
    ledger_of(node, order, restarts=dict.fromkeys(ledger_of(node, order).restarts, "another boot"))
    node.start()


def test_the_command_goes_on_after_the_boot_and_has_one_result(node: Node, order: Order, tmp_path: Path) -> None:
    wait_for("the agent to restart the machine", lambda: has_ended(node))
    assert (lines(tmp_path / "reboots"), lines(tmp_path / "parts"), order.result) == (1, 1, None)
    assert not (tmp_path / "made-after").exists()

    boot(node, order)
    wait_for("the result", lambda: order.result is not None)

    assert order.result is not None
    assert (order.result.exit_code, order.result.reason, order.results_received) == (0, "", 1)
    # One of each file, and the reboot; what the first part made is no less a change because the second one found it.
    counts = order.result.resources
    assert (counts.changed, counts.unchanged, counts.failed) == (3, 0, 0)
    log = order.log.decode()
    assert log.index("and this command goes on after the boot: new kernel") < log.index("goes on after the boot for")
    assert log.count("recipe test::default") == 2
    assert (lines(tmp_path / "reboots"), lines(tmp_path / "parts")) == (1, 2)


def test_an_agent_that_is_killed_while_the_run_comes_to_its_restart_restarts_when_it_is_back(
    node: Node, order: Order, tmp_path: Path
) -> None:
    (tmp_path / "go").unlink()
    wait_for("the run", lambda: lines(tmp_path / "parts") == 1)
    node.kill()
    (tmp_path / "go").touch()
    wait_for("the end of the first part", lambda: ledger_of(node, order).status is not None)
    assert lines(tmp_path / "reboots") == 0

    node.start()

    wait_for("the agent to restart the machine", lambda: has_ended(node))
    assert lines(tmp_path / "reboots") == 1


def test_an_agent_that_is_back_before_the_machine_went_down_waits_for_that(
    node: Node, order: Order, control: Control, tmp_path: Path
) -> None:
    wait_for("the agent to restart the machine", lambda: has_ended(node))
    polls = len(control.polls)
    node.start()
    wait_for("more polls", lambda: len(control.polls) > polls + 2)

    assert (lines(tmp_path / "reboots"), lines(tmp_path / "parts"), order.result) == (1, 1, None)
    assert not has_ended(node)


def test_a_killed_agent_that_had_begun_the_next_part_in_its_ledger_begins_it(
    node: Node, order: Order, tmp_path: Path
) -> None:
    """Between the ledger's new page and the journal's line: the run has neither begun nor is it given up."""
    wait_for("the agent to restart the machine", lambda: has_ended(node))
    ledger = ledger_of(node, order)
    restarts = dict.fromkeys(ledger.restarts, "another boot")
    ledger_of(node, order, restarts=restarts, status=None, begun_at=0.0, abandoned=1, resumed=1)

    node.start()

    wait_for("the result", lambda: order.result is not None)
    assert order.result is not None
    assert order.result.exit_code == 0
    assert lines(tmp_path / "parts") == 2


def test_a_machine_that_cannot_be_restarted_is_not_tried_for_ever(node: Node, order: Order, tmp_path: Path) -> None:
    wait_for("the agent to restart the machine", lambda: has_ended(node))
    ledger_of(node, order, asked=3, asked_at=1.0)

    node.start()

    wait_for("the result", lambda: order.result is not None)
    assert order.result is not None
    assert (order.result.exit_code, order.result.reason) == (255, "cannot_reboot")
    assert lines(tmp_path / "parts") == 1


def test_a_command_that_was_aborted_meanwhile_does_not_go_on(node: Node, order: Order, tmp_path: Path) -> None:
    wait_for("the agent to restart the machine", lambda: has_ended(node))
    (node.run(order.envelope.command_id) / "abort").touch()

    boot(node, order)

    wait_for("the result", lambda: order.result is not None)
    assert order.result is not None
    assert (order.result.exit_code, order.result.reason) == (130, "aborted")
    assert lines(tmp_path / "parts") == 1


@pytest.fixture
def lock(tmp_path: Path) -> Lock:
    """The lock of a run that has not begun."""
    state = State(tmp_path / "alone")
    state.run("c-1").mkdir(mode=0o700, parents=True)
    prepare_lock(state, "c-1")
    return Lock(state.lock("c-1"))


ENDED = Ledger(begun_at=100.0, first_begun_at=90.0, spent=5.0, changed=2, restarts={"new kernel": "first"})


def test_the_next_part_remembers_what_the_parts_before_have_done() -> None:
    status = Status(0, finished_at=107.0, resources=ResourceCounts(changed=3), restart="new kernel")

    ledger = next_part(msgspec.structs.replace(ENDED, status=status, pid=7, asked=2, asked_at=108.0), 4)

    assert ledger == Ledger(
        abandoned=4, resumed=4, first_begun_at=90.0, spent=12.0, changed=5, restarts={"new kernel": "first"}
    )


def test_R7_a_power_loss_in_the_middle_of_a_new_page_leaves_the_old_line_or_the_new(lock: Lock) -> None:
    """Bytes as they are on the way: each prefix of what is written over, and of what is wiped, from either end."""
    lock.write(ENDED)
    lock.write(msgspec.structs.replace(ENDED, asked=1))
    before = os.pread(lock.descriptor, LEDGER_BYTES, 0).rstrip(b"\0")
    new = next_part(ENDED, 1)
    line = msgspec.json.encode(new) + b"\n"
    lock.begin_anew(new)
    after = os.pread(lock.descriptor, LEDGER_BYTES, 0)
    assert after.rstrip(b"\0") == line

    appended = (before + b"\n" + line[:-1]).ljust(LEDGER_BYTES, b"\0")
    copied = line + appended[len(line) :]
    states = [line[:cut] + appended[cut:] for cut in range(len(line))]
    states += [after[:cut] + copied[cut:] for cut in range(len(line), len(before) + len(line))]
    states += [copied[:cut] + after[cut:] for cut in range(len(line), len(before) + len(line))]
    possible = (new, ENDED, msgspec.structs.replace(ENDED, asked=1))
    for state in states:
        os.pwrite(lock.descriptor, state, 0)
        assert lock.read() in possible


def test_the_ledger_has_room_for_the_longest_reasons_of_all_parts(lock: Lock) -> None:
    reasons = [chr(0x1F600 + number) * 100 for number in range(3)]
    restarts: dict[str, str] = {}
    for attempt, reason in enumerate(reasons, 1):
        ledger = msgspec.structs.replace(lock.read(), begun_at=100.0)
        lock.write(ledger)
        restarts[reason] = "01234567-0123-0123-0123-012345678901"
        ledger = msgspec.structs.replace(ledger, status=Status(0, restart=reason), restarts=dict(restarts))
        lock.write(ledger)
        for asked in range(3):
            lock.write(msgspec.structs.replace(ledger, asked=asked + 1))
        lock.begin_anew(next_part(lock.read(), attempt))
    warnings = tuple("\u20ac" * 250 for _ in range(8))
    ended = Status(1, "x" * 1000, warnings=warnings, causes=Causes(1, 2, flapping=warnings, settled=warnings))
    last = msgspec.structs.replace(lock.read(), begun_at=200.0, status=ended)
    lock.write(msgspec.structs.replace(last, status=None))
    lock.write(last)

    assert lock.read() == last
    assert os.fstat(lock.descriptor).st_size == LEDGER_BYTES
