"""What an operator's word on a key means to the machine that uses it (S11)."""

from __future__ import annotations

import time

from tests.fakes.agents import Agent
from tests.server.http.fleet import Fleet, eventually
from tests.server.operations.calls import Caller
from toque.protocol.messages import POLL_PATH


def test_S11_the_machine_that_was_heard_last_goes_on_when_it_is_freed(fleet_on_either: Fleet) -> None:
    fleet = fleet_on_either
    root = Caller(fleet.services)
    fleet.stack("s")
    original = fleet.instance("s", "web1")
    original.poll()
    clone = Agent(**{**vars(original), "boot_id": "boot-2", "epoch": 2, "numbers": {}})
    clone.poll()
    original.clock = lambda: time.time() + 10
    assert original.post(POLL_PATH, original.poll_request()).status == 401
    fleet.command("web1")
    assert clone.poll().command is None
    assert [each["Conflict"] for each in root("DescribeNodeKeys", StackId="s")["NodeKeys"]] == [True]

    root("FreeNodeKey", InstanceId="web1")

    eventually(lambda: clone.poll().command is not None)
    assert [each["Conflict"] for each in root("DescribeNodeKeys", StackId="s")["NodeKeys"]] == [False]


def test_S10_a_key_that_is_revoked_by_an_operator_is_refused_and_shown_as_such(fleet: Fleet) -> None:
    root = Caller(fleet.services)
    fleet.stack("s")
    agent = fleet.instance("s", "web1")
    agent.poll()

    root("RevokeNodeKey", InstanceId="web1")

    eventually(lambda: agent.post(POLL_PATH, agent.poll_request()).status == 401)
    [key] = root("DescribeNodeKeys", InstanceId="web1", IncludeRevoked=True)["NodeKeys"]
    assert (key["State"], key["Hostname"]) == ("revoked", "web1")
