"""Custom JSON on its way from the three levels that have it to what a recipe reads (chapter 01 § 7)."""

from __future__ import annotations

from typing import Any

from tests.fakes.agents import Agent
from tests.server.http.fleet import Fleet
from tests.server.operations.calls import Caller
from toque.core.world import World
from toque_server.domain.instance import Status


def node_of_next_run(agent: Agent) -> Any:
    """`node` as the recipes of the next command read it; the command is carried out."""
    envelope = agent.open(agent.poll())
    assert envelope is not None
    agent.acknowledge(envelope)
    node = World(levels=agent.data(envelope).levels).node
    assert agent.finish(envelope).status == 200
    return node


def order(fleet: Fleet, **members: Any) -> None:
    Caller(fleet.services)("CreateDeployment", StackId="s", Command={"Name": "configure"}, **members)
    fleet.app.hub.look()


def test_01_17_deployment_goes_before_layer_and_layer_before_stack(fleet_on_either: Fleet) -> None:
    fleet = fleet_on_either
    fleet.stack("s", custom_json='{"from": "stack", "stack": {"a": 1, "b": 1}}')
    agent = fleet.instance("s", "web1")
    call = Caller(fleet.services)

    call("UpdateLayer", LayerId="s-app", CustomJson='{"from": "layer", "stack": {"b": 2}}')
    order(fleet, CustomJson='{"from": "deployment"}')
    assert node_of_next_run(agent)["from"] == "deployment"

    order(fleet)
    node = node_of_next_run(agent)
    assert (node["from"], node["stack"]) == ("layer", {"a": 1, "b": 2})

    call("UpdateLayer", LayerId="s-app", CustomJson="{}")
    order(fleet)
    node = node_of_next_run(agent)
    assert (node["from"], node["stack"]) == ("stack", {"a": 1, "b": 1})


def test_01_18_and_05_35_the_next_configure_has_the_stack_s_json_and_not_the_deployment_s(fleet: Fleet) -> None:
    fleet.stack("s", custom_json='{"of_stack": 1}')
    agent = fleet.instance("s", "web1")

    order(fleet, CustomJson='{"of_deployment": 1}')
    assert {*node_of_next_run(agent)} >= {"of_stack", "of_deployment"}
    fleet.command("web1", "configure")

    assert {*node_of_next_run(agent)} == {"of_stack", "tags"}


def test_one_of_a_deployment_s_online_instances_is_elected(fleet_on_either: Fleet) -> None:
    fleet = fleet_on_either
    fleet.stack("s")
    fleet.instance("s", "app1", Status.STOPPED)
    agents = {name: fleet.instance("s", name) for name in ("web2", "web1", "web3")}
    order(fleet)
    said = {}
    for name, agent in agents.items():
        envelope = agent.open(agent.poll())
        assert envelope is not None
        said[name] = agent.data(envelope).command["elected"]

    assert said == dict.fromkeys(agents, "web1")


def test_a_command_of_no_deployment_elects_nobody(fleet: Fleet) -> None:
    fleet.stack("s")
    agent = fleet.instance("s", "web1")
    fleet.command("web1", "configure")

    envelope = agent.open(agent.poll())
    assert envelope is not None
    assert "elected" not in agent.data(envelope).command
