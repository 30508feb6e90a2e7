"""Chapter 03's checks of healing, with machines that really die: sandboxes, killed and silenced."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.needs import needs, needs_root
from tests.system.fleet import Fleet, sandboxes
from toque_server.cli.demo.api import wait_until

pytestmark = [pytest.mark.root, pytest.mark.slow, pytest.mark.timeout(400), needs_root(), needs("pkill")]

SILENT_AFTER = 12.0
"""Twice the demo's: on a busy machine an agent may be late without being silent."""

RESTART = ["stopping", "stopped", "requested", "pending", "booting", "running_setup", "online"]
PRECIOUS = "/var/lib/precious"


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    # One heal a minute (H7) is tested where time can be driven; here it would make each test wait for the one before.
    settings = f"[heal]\nsilent_after = {SILENT_AFTER}\nrate_share = 1.0"
    with sandboxes(tmp_path_factory.mktemp("healing"), {"default": "\n"}, settings=settings) as opened:
        yield opened


@pytest.fixture(scope="module")
def instances(fleet: Fleet) -> dict[str, str]:
    """Two whose disks stay, one whose disk does not, and one with a second layer that does not heal."""
    house = fleet.house
    careful = fleet.api(
        "CreateLayer",
        StackId=house.stack_id,
        Type="custom",
        Name="Careful",
        Shortname="careful",
        EnableAutoHealing=False,
    )["LayerId"]
    made = {
        "keeps1": fleet.create("keeps1"),
        "keeps2": fleet.create("keeps2"),
        "forgets": fleet.create("forgets", persistent=False),
        "careful": fleet.create("careful", layers=[house.layer_id, careful]),
    }
    fleet.start(*made.values())
    return made


def heals(fleet: Fleet, after: int) -> list[str]:
    """Host names of those that healing took down since, each as often as it did."""
    found = fleet.events(after, kind="instance.status")
    down = {"stopping", "terminating", "requested"}
    return [each["Message"].split()[0] for each in found if each["Data"]["status"] in down]


def test_03_20_and_03_21_a_killed_instance_is_restarted_with_its_disk_and_everyone_is_configured(
    fleet: Fleet, instances: dict[str, str]
) -> None:
    victim = instances["keeps1"]
    fleet.inside(victim, "sh", "-c", f"echo kept > {PRECIOUS}; sync")
    before, machine_id = fleet.shown(victim), fleet.inside(victim, "cat", "/etc/machine-id")
    commands = {name: fleet.types(each) for name, each in instances.items()}
    began = fleet.now()

    fleet.power_cut(victim)

    wait_until("the loss to be noticed", lambda: fleet.house.status(victim) != "online", seconds=60)
    fleet.wait_online(*instances.values())
    assert fleet.statuses(victim, began) == RESTART
    after = fleet.shown(victim)
    for member in ("InstanceId", "Ec2InstanceId", "Hostname", "LayerIds", "Os"):
        assert after[member] == before[member]
    assert fleet.inside(victim, "cat", "/etc/machine-id") == machine_id
    assert fleet.inside(victim, "cat", PRECIOUS) == "kept"
    for name, instance in instances.items():
        new = fleet.types(instance)[len(commands[name]) :]
        assert [each for each in new if each == "setup"] == (["setup"] if name == "keeps1" else [])
        assert new[-1] == "configure"
    errors = fleet.api("DescribeServiceErrors", InstanceId=victim)["ServiceErrors"]
    assert [each["Type"] for each in errors] == ["auto_healing"]


def test_03_22_a_killed_instance_with_a_disposable_disk_is_replaced_under_its_name(
    fleet: Fleet, instances: dict[str, str]
) -> None:
    victim = instances["forgets"]
    fleet.inside(victim, "sh", "-c", f"echo lost > {PRECIOUS}")
    before = fleet.shown(victim)
    began = fleet.now()

    fleet.power_cut(victim)

    wait_until("the loss to be noticed", lambda: fleet.house.status(victim) != "online", seconds=60)
    fleet.wait_online(*instances.values())
    assert fleet.statuses(victim, began)[-4:] == ["pending", "booting", "running_setup", "online"]
    after = fleet.shown(victim)
    for member in ("InstanceId", "Hostname", "LayerIds"):
        assert after[member] == before[member]
    assert after["Ec2InstanceId"] != before["Ec2InstanceId"]
    assert fleet.inside(victim, "hostname") == "forgets"
    assert fleet.inside(victim, "sh", "-c", f"test -e {PRECIOUS} || echo gone") == "gone"


def test_03_24_an_instance_that_was_stopped_is_not_healed_and_one_whose_power_was_cut_is(
    fleet: Fleet, instances: dict[str, str]
) -> None:
    stopped, cut = instances["keeps2"], instances["forgets"]
    fleet.api("StopInstance", InstanceId=stopped)
    fleet.house.wait_for(stopped, "stopped")
    began = fleet.now()

    fleet.power_cut(cut)
    wait_until("the loss to be noticed", lambda: fleet.house.status(cut) != "online", seconds=60)
    fleet.wait_online(cut)

    # Healing has looked at the whole fleet again and again meanwhile.
    assert fleet.statuses(stopped, began) == []
    assert fleet.house.status(stopped) == "stopped"
    fleet.start(stopped)


def test_03_19_and_03_25_a_layer_without_healing_is_only_lost_and_is_back_when_its_agent_calls(
    fleet: Fleet, instances: dict[str, str]
) -> None:
    quiet, others = instances["careful"], [instances["keeps1"], instances["keeps2"]]
    machine = fleet.shown(quiet)["Ec2InstanceId"]
    commands = {each: fleet.types(each) for each in [quiet, *others]}
    began = fleet.now()

    fleet.silence(quiet)
    try:
        fleet.house.wait_for(quiet, "connection_lost")
        fleet.house.wait_for_quiet()
        assert heals(fleet, began) == []
    finally:
        fleet.unsilence(quiet)
    fleet.wait_online(quiet)

    assert fleet.statuses(quiet, began) == ["connection_lost", "online"]
    assert fleet.shown(quiet)["Ec2InstanceId"] == machine
    assert fleet.types(quiet) == [*commands[quiet], "configure"]
    for each in others:
        # Once when it left, and once when it was back.
        assert fleet.types(each) == [*commands[each], "configure", "configure"]


def test_R15_when_half_of_the_fleet_falls_silent_nobody_is_healed(fleet: Fleet, instances: dict[str, str]) -> None:
    half = [instances["keeps1"], instances["forgets"]]
    began = fleet.now()

    for each in half:
        fleet.silence(each)
    silenced = time.monotonic()
    try:
        frozen = fleet.wait_for_event(began, "healing.frozen")
        # Well past the silence that makes a single instance be healed.
        limit = silenced + 2 * SILENT_AFTER
        wait_until("the silence to last", lambda: time.monotonic() > limit, seconds=90)
    finally:
        for each in half:
            fleet.unsilence(each)
    thawed = fleet.wait_for_event(began, "healing.thawed")
    fleet.wait_online(*instances.values())

    assert "2 of 4 are late" in frozen["Message"]
    assert thawed["Number"] > frozen["Number"]
    assert len(fleet.events(began, kind="healing.frozen")) == 1
    assert heals(fleet, began) == []
    assert fleet.events(began, kind="instance.status") == []


def test_03_18_a_single_instance_whose_agent_falls_silent_is_healed(fleet: Fleet, instances: dict[str, str]) -> None:
    victim = instances["keeps2"]
    began = fleet.now()

    fleet.silence(victim)

    wait_until("the silence to be noticed", lambda: fleet.house.status(victim) != "online", seconds=60)
    fleet.wait_online(*instances.values())
    assert [each for each in fleet.statuses(victim, began) if each != "connection_lost"] == RESTART
    assert set(heals(fleet, began)) == {"keeps2"}


def test_03_26_a_server_that_was_away_heals_nobody_who_comes_back(fleet: Fleet, instances: dict[str, str]) -> None:
    began = fleet.now()

    fleet.house.server.kill()
    away = time.monotonic()
    wait_until("the server to be away for long", lambda: time.monotonic() > away + SILENT_AFTER + 3, seconds=60)
    fleet.house.server.start()

    wait_until(
        "everyone to be heard again",
        lambda: all(each["Status"] == "online" for each in fleet.house.instances()),
        seconds=60,
    )
    [command] = fleet.house.order("configure", on=[instances["keeps1"]])
    assert command["Status"] == "successful"
    assert heals(fleet, began) == []
