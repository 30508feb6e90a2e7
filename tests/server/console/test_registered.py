"""Registered machines on the console: nothing is offered that the server would refuse (03 § 12, check 39)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.server.console.browser import Page
from tests.server.console.conftest import House
from tests.server.operations.test_registered import IDENTITY
from toque_server.console.offers import concerned, offered
from toque_server.domain.instance import Status

SANDBOX, NONE = {"Provider": "sandbox"}, {"Provider": ""}


def registered(house: House, *, cloud: bool) -> str:
    members: Mapping[str, Any] = {"InstanceIdentity": {"Document": json.dumps(IDENTITY)}} if cloud else {}
    made = house.root("RegisterInstance", StackId=house.stack, Hostname="iron", **members)["InstanceId"]
    house.root.bring(made, Status.RUNNING_SETUP, Status.REGISTERED, machine_id=None)
    return str(made)


def buttons(page: Page, id: str) -> set[str]:
    """The verbs that a page offers for an instance."""
    start = f"/console/instances/{id}/"
    links = [given.get("href", "") for given in page.all("a")] + [given.get("action", "") for given in page.all("form")]
    return {link.removeprefix(start) for link in links if link.startswith(start)}


@pytest.mark.parametrize("cloud", [True, False], ids=["ec2", "on-premises"])
def test_03_39_a_registered_machine_is_assigned_unassigned_and_deregistered_and_never_powered(
    house: House, cloud: bool
) -> None:
    id = registered(house, cloud=cloud)
    here, stack = f"/console/instances/{id}", f"/console/stacks/{house.stack}"

    assert buttons(house.browser.get(here), id) == {"assign", "deregister"}
    assert buttons(house.browser.get(stack), id) == {"assign"}

    form = house.browser.get(f"{here}/assign")
    assert form.all("input", name="layer", value=house.layer)
    assert "Please choose at least one layer" in house.browser.post(f"{here}/assign").text
    said = house.browser.post(f"{here}/assign", {"layer": house.layer})
    assert said.path == here and "It runs the Setup recipes of its layers now" in said.text
    assert house.root.status(id) == "assigning"

    house.root.bring(id, Status.RUNNING_SETUP, Status.ONLINE, machine_id=None)
    assert buttons(house.browser.get(here), id) == {"unassign", "deregister"}
    assert buttons(house.browser.get(stack), id) == {"unassign"}
    assert "Its machine runs on" in house.browser.get(f"{here}/unassign").text
    assert "Unassigning iron from its layers" in house.browser.post(f"{here}/unassign").text
    assert house.root.status(id) == "unassigning"

    gone = house.browser.post(f"{here}/deregister")
    assert gone.path == stack and "Deregistering iron" in gone.text


def test_03_39_stopping_all_does_not_count_a_registered_machine_of_a_cloud(house: House) -> None:
    id = registered(house, cloud=True)
    house.root("AssignInstance", InstanceId=id, LayerIds=[house.layer])
    house.root.bring(id, Status.RUNNING_SETUP, Status.ONLINE, machine_id=None)

    page = house.browser.get(f"/console/stacks/{house.stack}/stop")

    assert set(page.badges()) == {f"instance:{house.up}"}


def test_an_instance_of_a_provider_is_started_rebooted_and_stopped(house: House) -> None:
    assert buttons(house.browser.get(f"/console/instances/{house.up}"), house.up) == {"reboot", "stop"}
    assert buttons(house.browser.get(f"/console/instances/{house.down}"), house.down) == {"start"}


def test_an_instance_of_a_scaler_is_not_started_by_hand(house: House) -> None:
    scaled = house.root.instance(house.stack, house.layer, AutoScalingType="timer")

    assert buttons(house.browser.get(f"/console/instances/{scaled}"), scaled) == set()


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_an_answer_for_every_kind_of_instance(status: Status) -> None:
    instance = {"Status": status.value, "LayerIds": ["l"]}

    assert set(offered(instance, SANDBOX)) <= {"start", "reboot", "stop"}
    assert set(offered(instance, NONE)) <= {"assign", "unassign", "deregister"}
    assert not any(concerned(verb, instance, NONE) for verb in ("start", "stop"))
