from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from tests.agent.daemon.conftest import Node, wait_for
from tests.fakes.control import Control
from toque.daemon.client import Client, Refused, Unreachable
from toque.daemon.config import AgentConfig
from toque.daemon.enrol import enrol
from toque.daemon.identity import ROTATE_AFTER, load_identity, save_identity
from toque.daemon.link import Link
from toque.daemon.state import State
from toque.protocol.keys import public_bytes
from toque.protocol.messages import POLL_PATH, PollAnswer, PollRequest


class Killed(Exception):
    """Stands for kill -9 at this point: nothing after it happens."""


def start(state: State, control: Control) -> Link:
    """A new agent on this disk."""
    identity = load_identity(state)
    assert identity is not None
    return Link(state, identity, Client(control.url, epoch=state.next_epoch()))


def poll(link: Link) -> None:
    link.send(POLL_PATH, PollRequest("1", "boot", 0), PollAnswer)


@pytest.fixture
def state(tmp_path: Path, control: Control) -> State:
    state = State(tmp_path / "state")
    enrol(state, AgentConfig(server_url=control.url), control.token)
    return state


def one_identity_works(state: State, control: Control) -> None:
    link = start(state, control)
    poll(link)
    assert public_bytes(link.keys[0].signing) == public_bytes(control.keys[control.node_key])
    living = [key_id for key_id in control.keys if key_id not in control.dead_keys]
    assert link.identity.current.key_id in living


def test_S10_keys_change_and_the_old_one_is_dead_after_the_first_use_of_the_new(state: State, control: Control) -> None:
    link = start(state, control)
    poll(link)
    before = control.node_key

    link.rotate()
    poll(link)

    assert control.node_key != before
    assert control.dead_keys == {before}
    one_identity_works(state, control)


@pytest.mark.parametrize("at", range(12))
def test_S10_killed_at_any_write_of_a_key_change_one_identity_is_left(
    state: State, control: Control, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    link, real, count = start(state, control), os.fsync, 0
    poll(link)

    def killed_at(descriptor: int) -> None:
        nonlocal count
        count += 1
        if count > at:
            raise Killed
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed_at)
        try:
            link.rotate()
        except Killed:
            pass

    one_identity_works(state, control)
    again = start(state, control)
    again.rotate()
    poll(again)
    one_identity_works(state, control)


def test_S10_a_lost_answer_to_a_key_change_leaves_the_old_key_working(state: State, control: Control) -> None:
    link = start(state, control)
    control.fail_next = ["/agent/v1/rotate"]

    with pytest.raises(Unreachable):
        link.rotate()

    one_identity_works(state, control)
    again = start(state, control)
    assert again.rotation_is_due()
    again.rotate()
    poll(again)
    assert len(control.keys) == 2, "the change goes on with the same new key"
    one_identity_works(state, control)


def test_S10_an_agent_set_back_to_before_the_change_finds_the_key_that_works(state: State, control: Control) -> None:
    link = start(state, control)
    link.rotate()
    poll(link)
    identity = load_identity(state)
    assert identity is not None
    assert identity.other is not None
    save_identity(state, msgspec.structs.replace(identity, current=identity.other, other=identity.current))

    one_identity_works(state, control)


def test_S10_a_revoked_key_is_refused_and_nothing_is_changed(state: State, control: Control) -> None:
    link = start(state, control)
    link.rotate()
    control.dead_keys |= set(control.keys)
    before = load_identity(state)

    with pytest.raises(Refused):
        poll(link)

    assert load_identity(state) == before


def test_S10_keys_change_within_a_tenth_of_thirty_days(state: State, control: Control) -> None:
    identity = load_identity(state)

    assert identity is not None
    assert 0.9 * ROTATE_AFTER <= identity.rotate_at - control.clock() <= 1.1 * ROTATE_AFTER


def test_S10_the_server_may_ask_for_new_keys_and_commands_go_on(node: Node, control: Control, tmp_path: Path) -> None:
    control.publish({"default": "print('hello')"}, tmp_path)
    node.start()
    wait_for("the first poll", lambda: control.polls)
    before = control.node_key
    order = control.order("test::default")

    control.rotate = True
    wait_for("the new key in use", lambda: control.node_key != before)

    wait_for("the result", lambda: order.result is not None)
