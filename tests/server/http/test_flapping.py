"""Why resources changed, from a run's result to what people ask the server."""

from __future__ import annotations

import pytest

from tests.fakes.agents import Agent
from tests.server.http.fleet import START, Fleet
from tests.server.operations.calls import Caller
from toque.protocol.messages import Causes, ResourceCounts
from toque_server.domain.app import App, AppSecrets, EnvironmentVariable
from toque_server.store import apps

CONF = "file[/etc/app.conf]"


@pytest.fixture
def agent(fleet: Fleet) -> Agent:
    fleet.stack("s")
    return fleet.instance("s", "web")


@pytest.fixture
def root(fleet: Fleet) -> Caller:
    return Caller(fleet.services)


def run(fleet: Fleet, agent: Agent, causes: Causes, type: str = "execute_recipes", exit_code: int = 0) -> str:
    """A command whose run ends with these causes; its id."""
    command = fleet.command("web", type)
    envelope = agent.open(agent.poll())
    assert envelope is not None
    agent.acknowledge(envelope)
    for _ in range(2):  # a result that is sent twice counts once
        result = {"causes": causes, "resources": ResourceCounts(changed=3), "started_at": 1.0, "finished_at": 2.0}
        assert agent.finish(envelope, exit_code=exit_code, **result).status == 200
    return command


def errors(root: Caller) -> list[str]:
    found = root("DescribeServiceErrors", InstanceId="web")["ServiceErrors"]
    return [each["Message"].partition(" changed")[0] for each in found if each["Type"] == "flapping_resource"]


def kinds(root: Caller) -> list[str]:
    return [each["Kind"] for each in root("DescribeEvents", StackId="s", Kinds=["resource"])["Events"]]


def test_a_resource_that_flaps_is_one_error_as_long_as_it_lasts(fleet: Fleet, agent: Agent, root: Caller) -> None:
    run(fleet, agent, Causes(drift_corrected=1, flapping=(CONF,)))
    run(fleet, agent, Causes(drift_corrected=2, flapping=(CONF, "execute[make]")))
    run(fleet, agent, Causes())  # of other recipes

    assert sorted(errors(root)) == ["execute[make]", CONF]
    assert kinds(root) == ["resource.flapping"] * 2
    assert root("DescribeDrift", InstanceId="web")["Drift"][0]["Flapping"] == ["execute[make]", CONF]

    run(fleet, agent, Causes(settled=(CONF,)))
    assert errors(root) == ["execute[make]"]
    assert kinds(root)[0] == "resource.settled"
    run(fleet, agent, Causes(), "setup", exit_code=1)
    assert errors(root) == ["execute[make]"]
    run(fleet, agent, Causes(), "setup")
    assert errors(root) == []


def test_a_command_tells_why_its_resources_changed(fleet: Fleet, agent: Agent, root: Caller) -> None:
    command = run(fleet, agent, Causes(intended=2, drift_corrected=1, flapping=(CONF,)))
    waiting = fleet.command("web")

    shown = {each["CommandId"]: each for each in root("DescribeCommandDetails", InstanceId="web")["Commands"]}

    told = {name: shown[command][name] for name in ("Changed", "Intended", "DriftCorrected", "Flapping")}
    assert told == {"Changed": 3, "Intended": 2, "DriftCorrected": 1, "Flapping": [CONF]}
    assert "Changed" not in shown[waiting]


def test_drift_is_counted_for_each_instance(fleet: Fleet, agent: Agent, root: Caller) -> None:
    fleet.instance("s", "db")
    run(fleet, agent, Causes(intended=2, drift_corrected=1))
    run(fleet, agent, Causes(drift_corrected=3))

    found = {each["InstanceId"]: each for each in root("DescribeDrift", StackId="s")["Drift"]}

    assert (found["web"]["Runs"], found["web"]["Intended"], found["web"]["DriftCorrected"]) == (2, 2, 4)
    assert "LastDriftAt" in found["web"]
    assert (found["db"]["Runs"], "LastDriftAt" in found["db"]) == (0, False)


def test_S14_what_an_agent_that_keeps_to_no_bounds_tells_is_cut_and_masked(
    fleet: Fleet, agent: Agent, root: Caller
) -> None:
    password = EnvironmentVariable(key="PASSWORD", value="", secure=True)
    app = App(
        id="a-1",
        stack_id="s",
        shortname="shop",
        name="S",
        type="other",
        created_at=START,
        environment=(password,),
    )
    with fleet.database.write() as conn:
        apps.add(conn, fleet.services.vault, app, AppSecrets(environment={"PASSWORD": "correct-horse-battery"}))
    names = ("execute[login correct-horse-battery]", *(f"{n}\n\0" + "x" * 9000 for n in range(50)))

    command = run(fleet, agent, Causes(-1, 1 << 60, flapping=names, settled=names))

    [shown] = root("DescribeCommandDetails", CommandIds=[command])["Commands"]
    assert (len(errors(root)), len(shown["Flapping"])) == (8, 8)
    assert "correct-horse" not in str(shown) + str(errors(root))
    assert (shown["Intended"], shown["DriftCorrected"]) == (0, 1_000_000)
    assert max(map(len, shown["Flapping"])) == 250
