"""How a node leaves its stack, and what of the agent is on its machine afterwards (I-18, chapter 08 § 10.6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agent.daemon.conftest import Node, wait_for
from tests.fakes.control import Control
from toque.daemon import leave
from toque.daemon.state import State
from toque.protocol.keys import new_signing_key, write_private
from toque.protocol.messages import RESULT_PATH


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "state")
    write_private(state.keys / "n-1.signing", new_signing_key())
    state.identity.write_text("{}")
    run = state.run("c-1")
    run.mkdir()
    (run / "log").write_text("hello\n")
    return state


def test_nothing_of_the_state_stays_but_the_logs(state: State, tmp_path: Path) -> None:
    leave.leave(state, tmp_path / "log")

    assert not state.root.exists()
    assert (tmp_path / "log/runs/c-1.log").read_text() == "hello\n"


def test_what_was_installed_goes_the_last_first(state: State, tmp_path: Path) -> None:
    folder, link = tmp_path / "opt/toque", tmp_path / "bin/toque"
    (folder / "lib").mkdir(parents=True)
    link.parent.mkdir()
    link.symlink_to(folder / "lib")
    (tmp_path / "etc").write_text("kept")
    leave.note_installed(state, [str(folder), str(link)])
    leave.note_installed(state, [str(folder), str(tmp_path / "never-made")])

    assert state.installed.read_text().splitlines() == [str(folder), str(link), str(tmp_path / "never-made")]
    leave.leave(state, tmp_path / "log")

    assert sorted(each.name for each in tmp_path.iterdir()) == ["bin", "etc", "log", "opt"]
    assert (list(link.parent.iterdir()), list(folder.parent.iterdir())) == ([], [])


@pytest.mark.parametrize(
    "line", ["relative/path", "/", "/etc", "/opt/../etc/toque"], ids=["relative", "root", "top", "up"]
)
def test_a_line_that_would_remove_too_much_is_said_and_left(
    state: State, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    leave.note_installed(state, [line])

    leave.uninstall(state)

    assert f"{line} is not removed" in caplog.text
    assert Path("/etc").is_dir()


def test_leaving_that_was_broken_off_goes_on(state: State, tmp_path: Path) -> None:
    made = tmp_path / "made"
    made.write_text("x")
    leave.note_installed(state, [str(made)])
    leave.wish(state)
    state.identity.unlink()

    leave.leave(State(state.root), tmp_path / "log")

    assert not made.exists()
    assert not state.root.exists()


def test_an_agent_that_was_killed_before_it_could_leave_leaves_when_it_starts(node: Node, control: Control) -> None:
    node.start()
    wait_for("the first poll", lambda: control.polls)
    node.kill()
    leave.wish(State(node.state))
    polls = len(control.polls)

    node.start()

    assert node.agent is not None
    assert node.agent.wait(timeout=15) == 78
    assert not node.state.exists()
    assert len(control.polls) == polls


def test_a_node_whose_key_is_unknown_once_it_was_deregistered_has_left(node: Node, control: Control) -> None:
    node.start()
    wait_for("the first poll", lambda: control.polls)
    control.fail_next.append(RESULT_PATH)
    order = control.order(type="deregister")
    wait_for("the result", lambda: order.result)
    control.dead_keys.add(control.node_key)

    assert node.agent is not None
    assert node.agent.wait(timeout=30) == 78
    assert not node.state.exists()
