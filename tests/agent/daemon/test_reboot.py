from __future__ import annotations

import json
import socket
import threading
from pathlib import Path

import pytest

from tests.agent.daemon.conftest import Node, wait_for
from tests.fakes.control import Control
from toque.daemon import reboot
from toque.daemon.state import State
from toque.protocol.messages import RESULT_PATH


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path / "state")


def test_a_wish_holds_in_the_boot_it_was_made_in_and_is_spent_by_one_attempt(state: State, tmp_path: Path) -> None:
    assert not reboot.is_wished(state)
    reboot.wish(state)
    assert reboot.is_wished(state)

    with pytest.raises(reboot.CannotReboot):
        reboot.restart_machine(state, init=dead_socket(tmp_path))

    assert not reboot.is_wished(state)


def dead_socket(folder: Path) -> Path:
    """A socket that nobody listens on any more."""
    path = folder / "init.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
    return path


def test_a_wish_of_an_earlier_boot_is_past(state: State) -> None:
    reboot.wish(state)
    state.reboot.write_text("another boot\n")

    assert not reboot.is_wished(state)


def test_a_sandbox_is_restarted_by_its_pid_1(state: State, tmp_path: Path) -> None:
    asked: list[object] = []
    with socket.socket(socket.AF_UNIX) as init:
        init.bind(str(tmp_path / "init.sock"))
        init.listen()
        answering = threading.Thread(target=answer_one, args=(init, asked))
        answering.start()

        reboot.restart_machine(state, init=tmp_path / "init.sock")

        answering.join(10)
    assert asked == [{"op": "reboot"}]


def answer_one(listening: socket.socket, asked: list[object]) -> None:
    connection, _ = listening.accept()
    with connection, connection.makefile("rwb") as lines:
        asked.append(json.loads(lines.readline()))
        lines.write(b'{"code": 0, "output": ""}\n')


def test_the_result_of_a_run_that_asked_for_a_reboot_says_so_before_the_machine_goes_down(
    node: Node, control: Control, tmp_path: Path
) -> None:
    """The answers to its result are lost until the agent is killed: no machine goes down in this test."""
    control.publish({"default": "from toque import node\nnode.request_reboot('a new kernel')\n"}, tmp_path)
    node.start()
    wait_for("the first poll", lambda: control.polls)
    control.fail_next = [RESULT_PATH] * 10_000
    order = control.order("test::default")

    wait_for("the result", lambda: order.result is not None)
    node.kill()

    assert order.result is not None
    assert (order.result.exit_code, order.result.reason) == (0, "rebooting")
    assert not reboot.is_wished(State(node.state))
