"""A new online key reaches nodes that joined before it was made (S7, ruling 22)."""

from __future__ import annotations

from dataclasses import replace

from tests.server.http.fleet import running
from toque_server.operations.context import Services
from toque_server.security.keys import make_keys, renew_online


def test_S7_a_node_with_an_older_root_manifest_gets_the_newer_one_with_its_next_poll(services: Services) -> None:
    made = make_keys()
    renewed = renew_online(made.running, made.root)
    with running(replace(services, keys=made.running)) as before:
        before.stack("s")
        agent = before.instance("s", "web")
        assert agent.poll(root_version=1).root is None

    with running(replace(services, keys=renewed)) as after:
        agent.app = after.app
        command = after.command("web")

        answer = agent.poll(root_version=1)

        assert answer.root == renewed.root
        assert answer.command is not None
        assert answer.command.key == renewed.online_id
        envelope = agent.open(answer)
        assert envelope is not None
        assert envelope.command_id == command
        assert agent.poll(root_version=2).root is None


def test_a_poll_that_brings_nothing_but_a_root_manifest_hands_out_no_command(services: Services) -> None:
    made = make_keys()
    with running(replace(services, keys=renew_online(made.running, made.root))) as fleet:
        fleet.stack("s")
        agent = fleet.instance("s", "web")

        answer = agent.poll(root_version=1)

        assert answer.root is not None
        assert answer.command is None
        assert agent.poll().root is None, "an agent that does not say what it has is not sent one with every poll"
