"""Commands of one node follow one another without a wait between them."""

from __future__ import annotations

from tests.server.http.fleet import Fleet


def test_the_next_command_comes_with_the_first_poll_after_a_result(fleet_on_either: Fleet) -> None:
    fleet = fleet_on_either
    fleet.stack("s")
    agent = fleet.instance("s", "web")
    chain = [fleet.command("web", "execute_recipes") for _ in range(3)]
    # From here on nobody looks into the database but the polls themselves.
    fleet.app.hub.stop()

    for command in chain:
        envelope = agent.open(agent.poll())
        assert envelope is not None
        assert envelope.command_id == command
        agent.acknowledge(envelope)
        fleet.app.hub.look()
        assert agent.poll(running=command).command is None
        assert agent.finish(envelope).status == 200


def test_a_process_that_did_not_get_the_result_looks_when_the_run_is_over(fleet: Fleet) -> None:
    fleet.stack("s")
    agent = fleet.instance("s", "web")
    first, second = fleet.command("web"), fleet.command("web", "execute_recipes")
    fleet.app.hub.stop()
    envelope = agent.open(agent.poll())
    assert envelope is not None
    agent.acknowledge(envelope)
    fleet.app.hub.look()
    agent.poll(running=first)
    assert agent.finish(envelope).status == 200
    fleet.app.hub._next.clear()  # as in the other process

    found = agent.open(agent.poll())

    assert found is not None
    assert found.command_id == second


def test_a_look_that_began_before_a_commit_does_not_hide_its_command(fleet: Fleet) -> None:
    hub = fleet.app.hub
    hub.stop()
    hub.has_next("web")
    assert hub.has_something("web")

    hub.look()

    assert not hub.has_something("web"), "what was noted before a look is in what it reads"
