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
from toque.daemon.marks import Ledger, Lock
from toque.daemon.state import State

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
