from __future__ import annotations

from tests.server.console.conftest import House


def test_deploy_makes_the_deployment_that_the_form_says(house: House) -> None:
    form = {
        "app": house.app_id,
        "command": "deploy",
        "instance": [house.up],
        "comment": "the second release",
        "custom_json": '{"debug": true}',
    }

    page = house.browser.post(f"/console/stacks/{house.stack}/deploy", form)

    [made] = house.root("DescribeDeployments", StackId=house.stack)["Deployments"]
    assert page.path == f"/console/deployments/{made['DeploymentId']}" and "on its way" in page.text
    assert (made["Command"]["Name"], made["AppId"], made["Comment"]) == ("deploy", house.app_id, "the second release")
    assert made["InstanceIds"] == [house.up] and made["CustomJson"] == '{"debug": true}'
    assert made["IamUserArn"].endswith(":user/olga")


def test_roll_back_and_recipes_are_ordered_too(house: House) -> None:
    house.browser.post(
        f"/console/stacks/{house.stack}/deploy", {"app": house.app_id, "command": "rollback", "instance": [house.up]}
    )
    house.browser.post(
        f"/console/stacks/{house.stack}/run-command",
        {"command": "execute_recipes", "recipes": "a::b, c::d e", "instance": [house.up]},
    )

    found = house.root("DescribeDeployments", StackId=house.stack)["Deployments"]

    assert {each["Command"]["Name"]: each["Command"]["Args"] for each in found} == {
        "rollback": {},
        "execute_recipes": {"recipes": ["a::b", "c::d", "e"]},
    }


def test_what_is_wrong_with_an_order_stands_on_the_form_with_what_was_filled_in(house: House) -> None:
    path = f"/console/stacks/{house.stack}/run-command"

    page = house.browser.post(path, {"command": "execute_recipes", "comment": "keep me", "instance": [house.up]})

    assert page.status == 400 and "recipes" in page.text
    assert page.all("input", name="comment")[0]["value"] == "keep me"


def test_no_instance_chosen_is_a_mistake_and_not_everyone(house: House) -> None:
    page = house.browser.post(f"/console/stacks/{house.stack}/run-command", {"command": "configure"})

    assert page.status == 400 and "at least one instance" in page.text
    assert house.root("DescribeDeployments", StackId=house.stack)["Deployments"] == []


def test_the_form_offers_whom_it_would_reach(house: House) -> None:
    page = house.browser.get(f"/console/stacks/{house.stack}/deploy?app={house.app_id}")

    chosen = {given["value"]: "checked" in given for given in page.all("input", name="instance")}

    assert chosen == {house.up: True, house.down: False}


def test_stopping_shows_what_it_affects_and_asks_first(house: House) -> None:
    page = house.browser.get(f"/console/stacks/{house.stack}/stop")

    assert "1 instance will be affected" in page.text and f"instance:{house.down}" not in page.badges()
    assert house.root.status(house.up) == "online"

    house.browser.post(f"/console/stacks/{house.stack}/stop")

    assert house.root.status(house.up) == "shutting_down"


def test_starting_all_starts_what_is_stopped(house: House) -> None:
    page = house.browser.post(f"/console/stacks/{house.stack}/start")

    assert page.path == f"/console/stacks/{house.stack}" and "Starting" in page.text
    assert house.root.status(house.down) == "requested"


def test_one_instance_is_started_rebooted_and_stopped(house: House) -> None:
    for instance, verb, status in (
        (house.down, "start", "requested"),
        (house.up, "reboot", "rebooting"),
        (house.up, "stop", "shutting_down"),
    ):
        page = house.browser.post(f"/console/instances/{instance}/{verb}")
        assert page.path == f"/console/instances/{instance}"
        assert house.root.status(instance) == status


def test_a_refusal_is_shown_where_one_was(house: House) -> None:
    page = house.browser.post(f"/console/instances/{house.down}/reboot")

    assert page.path == f"/console/instances/{house.down}" and page.all("div", class_="notice notice-bad")


def test_04_36_the_level_show_reads_and_changes_nothing(house: House) -> None:
    ann = house.another("ann", level="show")
    assert ann.get(f"/console/stacks/{house.stack}").status == 200

    page = ann.post(f"/console/instances/{house.up}/stop")

    assert "not authorized" in page.text and "Manage" in page.text
    assert house.root.status(house.up) == "online"
