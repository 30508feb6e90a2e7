"""A machine that joins by itself is refused by a stack that has as many instances as it may have (01, S-2)."""

from __future__ import annotations

import msgspec
import pytest

from tests.fakes.agents import Agent
from tests.server.http.fleet import Fleet
from toque_server.settings import Limits, Settings
from toque_server.store import events, instances


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, limits=Limits(instances_per_stack=1))


def test_01_S2_a_full_stack_takes_no_further_machine(fleet: Fleet) -> None:
    fleet.stack("s")
    first, second = Agent(fleet.app), Agent(fleet.app)
    assert first.enrol(fleet.token("s"), hostname="one").status == 200

    refused = second.enrol(fleet.token("s"), hostname="two")

    assert refused.status == 409
    assert b"raise instances_per_stack" in refused.body
    with fleet.database.read() as conn:
        assert [each.hostname for each in instances.of_stack(conn, "s")] == ["one"]
        assert [each.kind for each in events.listed(conn, events.Wanted(stack_ids=["s"]))].count(
            "node.join_refused"
        ) == 1
