"""The thin path once more, on PostgreSQL with two server processes: what one of them is told, the other one knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.together import house as houses
from tests.together.conftest import RECIPES
from tests.together.house import House
from toque_server.cli.demo.api import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, postgres_url: Callable[[], str]) -> Iterator[House]:
    with houses.opened(tmp_path_factory.mktemp("postgres"), RECIPES, database=postgres_url(), workers=2) as opened:
        yield opened


@pytest.fixture(scope="module")
def instances(pair: House) -> list[str]:
    joined = [pair.join("web1"), pair.join("web2")]
    for each in joined:
        pair.wait_for(each, "online")
    return joined


def test_recipes_run_on_both_and_their_logs_are_read(pair: House, instances: list[str]) -> None:
    commands = pair.order("execute_recipes", on=instances, args={"recipes": ["work::hello"]})

    assert {each["Status"] for each in commands} == {"successful"}
    logs = " ".join(pair.api.log_of(each) for each in commands)
    assert "hello from web1" in logs
    assert "hello from web2" in logs


def test_a_failing_recipe_fails_the_deployment(pair: House, instances: list[str]) -> None:
    command = pair.run("work::fails", on=instances[:1])

    assert (command["Status"], command["ExitCode"]) == ("failed", 1)
    assert "no kettle" in pair.api.log_of(command)


def test_new_cookbooks_reach_every_instance(pair: House, instances: list[str]) -> None:
    pair.publish(fresh="from toque import log\n\nlog('brand new')\n")

    for command in pair.order("execute_recipes", on=instances, args={"recipes": ["work::fresh"]}):
        assert "brand new" in pair.api.log_of(command)


def test_a_third_instance_is_a_reason_to_configure_the_others(pair: House, instances: list[str]) -> None:
    def configured() -> list[int]:
        found = [pair.api("DescribeCommands", InstanceId=each)["Commands"] for each in instances]
        return [len([each for each in commands if each["Type"] == "configure"]) for commands in found]

    before = configured()

    pair.wait_for(pair.join("web3"), "online")

    wait_until(
        "the Configure of both",
        lambda: all(now > was for now, was in zip(configured(), before, strict=True)),
        seconds=houses.LONG,
    )


def test_R1_both_processes_killed_lose_nothing(pair: House, instances: list[str]) -> None:
    pair.nodes["web1"].kill()
    waiting = pair.run("work::hello", on=instances[:1], wait=False)

    pair.server.kill()
    pair.server.start()
    pair.nodes["web1"].start()

    assert pair.wait_for_end(waiting["DeploymentId"]) == "successful"
