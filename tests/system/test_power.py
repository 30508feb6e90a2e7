"""Stopping, deploying and undeploying on machines of their own: chapter 04's checks that need a whole machine."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.needs import needs, needs_root
from tests.system.fleet import Fleet, sandboxes
from toque_server.cli.demo.api import wait_until
from toque_server.cli.demo.repository import GitDaemon, Repository
from toque_server.shipped import examples

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(400), needs_root(), needs("git")]

RECIPES = {
    "default": "\n",
    "stuck": "import time\n\nwhile True:\n    time.sleep(0.1)\n",
    "goodbye": "from toque import log\n\nlog('goodbye')\n",
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with sandboxes(tmp_path_factory.mktemp("power"), RECIPES) as opened:
        yield opened


@pytest.fixture(scope="module")
def instances(fleet: Fleet) -> dict[str, str]:
    """Two instances of a layer that serves Python apps."""
    layer = fleet.api(
        "CreateLayer",
        StackId=fleet.house.stack_id,
        Type="python-app",
        Name="Apps",
        Shortname="python-app",
        CustomJson=json.dumps({"python-app": {"port": 8081}}),
    )["LayerId"]
    fleet.house.layer_id = layer
    made = {name: fleet.create(name) for name in ("one", "two")}
    fleet.start(*made.values())
    return made


def stop(fleet: Fleet, instance: str) -> None:
    fleet.api("StopInstance", InstanceId=instance)
    fleet.house.wait_for(instance, "stopped")


def shutdown_recipes(fleet: Fleet, *names: str, timeout: int) -> None:
    fleet.api(
        "UpdateLayer",
        LayerId=fleet.house.layer_id,
        CustomRecipes={"Shutdown": list(names)},
        LifecycleEventConfiguration={"Shutdown": {"ExecutionTimeout": timeout}},
    )


def test_04_5_a_stop_is_a_shutdown_there_and_a_configure_for_the_others(
    fleet: Fleet, instances: dict[str, str]
) -> None:
    shutdown_recipes(fleet, "work::goodbye", timeout=120)
    before = {name: fleet.types(instance) for name, instance in instances.items()}

    stop(fleet, instances["one"])
    fleet.house.wait_for_quiet()

    assert fleet.types(instances["one"]) == [*before["one"], "shutdown"]
    assert fleet.types(instances["two"]) == [*before["two"], "configure"]
    ended = fleet.api("DescribeCommands", InstanceId=instances["one"])["Commands"][0]
    assert (ended["Status"], ended["ExitCode"]) == ("successful", 0)
    assert "goodbye" in fleet.api.log_of(ended)
    fleet.start(instances["one"])


def test_04_15_a_shutdown_that_gets_nowhere_is_ended_and_the_stop_goes_on(
    fleet: Fleet, instances: dict[str, str]
) -> None:
    shutdown_recipes(fleet, "work::stuck", timeout=4)
    try:
        stop(fleet, instances["one"])
    finally:
        shutdown_recipes(fleet, timeout=120)

    ended = fleet.api("DescribeCommands", InstanceId=instances["one"])["Commands"][0]
    assert (ended["Type"], ended["Status"], ended["ExitCode"]) == ("shutdown", "failed", 124)
    fleet.start(instances["one"])


def test_an_app_whose_repository_does_not_exist_fails_where_it_is_deployed_and_says_so(
    fleet: Fleet, instances: dict[str, str]
) -> None:
    app = fleet.api(
        "CreateApp",
        StackId=fleet.house.stack_id,
        Name="Lost",
        Type="other",
        AppSource={"Type": "git", "Url": "git://127.0.0.1:9/nowhere", "Revision": "main", "Password": "s3cr3t-word"},
    )["AppId"]
    try:
        ended = fleet.house.order("deploy", AppId=app)
    finally:
        fleet.api("DeleteApp", AppId=app)

    assert {each["Status"] for each in ended} == {"failed"}
    for each in ended:
        log = fleet.api.log_of(each)
        assert "git://127.0.0.1:9/nowhere" in log
        assert "unable to connect to 127.0.0.1" in log
        assert "s3cr3t-word" not in log
    assert {fleet.house.status(each) for each in instances.values()} == {"online"}
    fleet.house.wait_for_quiet()


def test_04_25_to_04_27_releases_are_kept_rolled_back_to_and_removed_with_the_app(
    fleet: Fleet, instances: dict[str, str]
) -> None:
    one, two = instances["one"], instances["two"]
    repository = Repository(fleet.house.directory / "site", examples("guestbook"))

    daemon = GitDaemon(fleet.house.directory)
    try:
        app = fleet.api(
            "CreateApp",
            StackId=fleet.house.stack_id,
            Name="Site",
            Type="other",
            AppSource={"Type": "git", "Url": daemon.url("site"), "Revision": "main"},
        )["AppId"]
        for number in range(1, 7):
            repository.commit(f"Release {number}", RELEASE=f"{number}\n")
            [ended] = fleet.house.order("deploy", on=[one], AppId=app)
            assert ended["Status"] == "successful", fleet.api.log_of(ended)
        assert len(fleet.inside(one, "ls", "/srv/www/site/releases").split()) == 5

        for number in (5, 4, 3, 2):
            [ended] = fleet.house.order("rollback", on=[one], AppId=app)
            assert ended["Status"] == "successful", fleet.api.log_of(ended)
            assert fleet.inside(one, "cat", "/srv/www/site/current/RELEASE") == str(number)
        [ended] = fleet.house.order("rollback", on=[one], AppId=app)
        assert ended["Status"] == "failed"
        assert fleet.inside(one, "cat", "/srv/www/site/current/RELEASE") == "2"

        for name in ("stop", "start", "restart"):
            [ended] = fleet.house.order(name, on=[one], AppId=app)
            assert ended["Status"] == "successful", fleet.api.log_of(ended)

        # 04-26: on the targets only.
        fleet.house.order("deploy", on=[two], AppId=app)
        [ended] = fleet.house.order("undeploy", on=[one], AppId=app)
        assert ended["Status"] == "successful", fleet.api.log_of(ended)
        assert fleet.inside(one, "sh", "-c", "test -e /srv/www/site || echo gone") == "gone"
        assert fleet.inside(two, "cat", "/srv/www/site/current/RELEASE") == "6"

        # 04-27: with the app itself, everywhere.
        fleet.api("DeleteApp", AppId=app)
        assert app not in [each["AppId"] for each in fleet.api("DescribeApps", StackId=fleet.house.stack_id)["Apps"]]
        wait_until("the undeploy", lambda: "undeploy" in fleet.types(two), seconds=30)
        fleet.house.wait_for_quiet()
        assert fleet.inside(two, "sh", "-c", "test -e /srv/www/site || echo gone") == "gone"
    finally:
        daemon.stop()
