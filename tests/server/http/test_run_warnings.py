"""What a run could not do without failing becomes a service error of its instance (07 § 5, check 24)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.agents import Agent
from tests.server.http.fleet import START, Fleet
from toque_server.domain.app import App, AppSecrets, EnvironmentVariable
from toque_server.operations.context import Services
from toque_server.store import apps, service_errors
from toque_server.store.service_errors import ServiceError

SKIPPED = "the account eve was skipped: there is an account of that name already, with the number 5001"


@pytest.fixture
def agent(fleet: Fleet) -> Agent:
    fleet.stack("s")
    return fleet.instance("s", "web")


def run(fleet: Fleet, agent: Agent, *warnings: str, type: str = "sync_remote_users", again: bool = False) -> None:
    """A command whose run succeeds with these warnings; `again` sends its result twice."""
    fleet.command("web", type)
    envelope = agent.open(agent.poll())
    assert envelope is not None
    agent.acknowledge(envelope)
    for _ in range(2 if again else 1):
        assert agent.finish(envelope, warnings=warnings, started_at=1.0, finished_at=2.0).status == 200


def errors(fleet: Fleet) -> list[ServiceError]:
    with fleet.database.read() as conn:
        return service_errors.of_instance(conn, "web")


def test_07_24_a_skipped_account_is_a_service_error_of_its_instance(fleet: Fleet, agent: Agent) -> None:
    run(fleet, agent, SKIPPED, again=True)

    (error,) = errors(fleet)
    assert (error.type, error.message, error.stack_id) == ("run_warning", SKIPPED, "s")
    with fleet.database.read() as conn:
        assert service_errors.last_by_instance(conn, ["s"]) == {"web": error.id}


def test_a_warning_that_every_run_repeats_is_one_error_a_day(fleet: Fleet, agent: Agent) -> None:
    run(fleet, agent, SKIPPED)
    run(fleet, agent, SKIPPED, "the number 2010 belongs to the account fox")

    assert sorted(each.message for each in errors(fleet)) == [SKIPPED, "the number 2010 belongs to the account fox"]


def test_warnings_of_an_agent_that_keeps_to_no_bounds_are_cut(fleet: Fleet, agent: Agent) -> None:
    run(fleet, agent, *(f"{n}\n\0" + "x" * 9000 for n in range(50)))

    said = [each.message for each in errors(fleet)]
    assert len(said) == 8
    assert all(len(each) == 250 and each.isprintable() for each in said)


def test_S14_a_secret_in_a_warning_is_hidden(fleet: Fleet, agent: Agent) -> None:
    password = EnvironmentVariable(key="PASSWORD", value="", secure=True)
    app = App(
        id="a-1", stack_id="s", shortname="shop", name="Shop", type="other", created_at=START, environment=(password,)
    )
    with fleet.database.write() as conn:
        apps.add(conn, fleet.services.vault, app, AppSecrets(environment={"PASSWORD": "correct-horse-battery"}))

    run(fleet, agent, "it is correct-horse-battery", type="execute_recipes")

    assert [each.message for each in errors(fleet)] == ["it is " + "*" * 21]


def test_the_newest_hundred_warnings_of_an_instance_are_kept(services: Services, fleet: Fleet, agent: Agent) -> None:
    with services.database.write() as conn:
        for n in range(103):
            told = ServiceError(
                id=f"e-{n}",
                stack_id="s",
                instance_id="web",
                type=service_errors.WARNING,
                message=f"warning {n}",
                created_at=START + timedelta(minutes=n),
            )
            assert service_errors.add_warning(conn, told)
        later = {"id": "e-late", "created_at": START + timedelta(days=2)}
        repeated = ServiceError(
            stack_id="s", instance_id="web", type=service_errors.WARNING, message="warning 102", **later
        )
        assert service_errors.add_warning(conn, repeated)

    kept = errors(fleet)
    assert len(kept) == 100
    assert (kept[0].id, kept[-1].id) == ("e-late", "e-4")
