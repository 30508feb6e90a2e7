"""Chapter 04's acceptance checks, with a real server and real agents: events, deployments, statuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.together.house import House
from toque_server.cli.demo.api import Refused, wait_until

NAMES = ("a1", "b2", "c3")


@pytest.fixture(scope="module")
def fleet(house: House) -> dict[str, str]:
    """Three instances that are online, and quiet: no Configure is on its way. Instance ids by host name."""
    ids = {name: house.join(name) for name in NAMES}
    for instance in ids.values():
        house.wait_for(instance, "online")
    house.wait_for_quiet()
    return ids


def types(house: House, instance: str) -> list[str]:
    """The types of an instance's commands, oldest first."""
    commands = house.api("DescribeCommands", InstanceId=instance)["Commands"]
    return [each["Type"] for each in reversed(commands)]


def test_04_1_04_2_04_3_a_new_instance_is_set_up_and_everyone_is_configured_with_it(
    house: House, fleet: dict[str, str], tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    seen.mkdir()
    house.publish(
        world=f"""
        from pathlib import Path
        from toque import node, search
        found = [each["hostname"] for each in search("node")]
        with (Path({str(seen)!r}) / node.hostname).open("a") as out:
            out.write(" ".join(sorted(found)) + "\\n")
        """
    )
    house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Configure": ["work::world"]})
    house.wait_for_quiet()
    before = {name: types(house, instance) for name, instance in fleet.items()}
    try:
        fourth = house.join("d4")
        house.wait_for(fourth, "online")
        wait_until(
            "everyone to be configured", lambda: {each.name for each in seen.iterdir()} == {*NAMES, "d4"}, seconds=60
        )
        house.wait_for_quiet()
    finally:
        house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Configure": []})

    assert types(house, fourth) == ["setup", "configure"]
    for name, instance in fleet.items():
        assert types(house, instance) == [*before[name], "configure"]
    for each in seen.iterdir():
        assert each.read_text() == "a1 b2 c3 d4\n"


def test_04_14_a_failing_configure_leaves_the_instance_online(house: House, fleet: dict[str, str]) -> None:
    house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Configure": ["work::fails"]})
    try:
        [ended] = house.order("configure", on=[fleet["a1"]])
    finally:
        house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Configure": []})

    assert (ended["Status"], ended["ExitCode"]) == ("failed", 1)
    assert house.status(fleet["a1"]) == "online"


def test_04_12_custom_recipes_follow_the_built_in_ones_in_order_and_once(house: House, fleet: dict[str, str]) -> None:
    recipes = ["work::after", "work::hello", "work::after"]
    house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Configure": recipes})
    try:
        [ended] = house.order("configure", on=[fleet["b2"]])
    finally:
        house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Configure": []})

    log = house.api.log_of(ended)
    assert log.index("toque::configure") < log.index("this comes after") < log.index("hello from b2")
    assert log.count("this comes after") == 1


def test_04_17_a_deployment_that_went_well_is_successful_and_has_a_duration(
    house: House, fleet: dict[str, str]
) -> None:
    ended = house.order("configure", on=list(fleet.values()))

    shown = house.deployment(ended[0]["DeploymentId"])
    assert (shown["Status"], {each["Status"] for each in ended}) == ("successful", {"successful"})
    assert sorted(shown["InstanceIds"]) == sorted(fleet.values())
    assert shown["Duration"] >= 0
    assert "CompletedAt" in shown


def test_04_18_and_04_33_one_failure_spoils_a_deployment_when_the_others_have_ended(
    house: House, fleet: dict[str, str], tmp_path: Path
) -> None:
    # The two that wait run at the same time: each begins before any may end.
    begun, gate = tmp_path / "begun", tmp_path / "gate"
    begun.mkdir()
    house.publish(
        mixed=f"""
        import time
        from pathlib import Path
        from toque import node
        if node.hostname == "a1":
            raise ValueError("one of three")
        (Path({str(begun)!r}) / node.hostname).touch()
        while not Path({str(gate)!r}).exists():
            time.sleep(0.05)
        """
    )
    command = house.run("work::mixed", on=list(fleet.values()), wait=False)
    id = command["DeploymentId"]

    def by_instance() -> dict[str, Any]:
        return {each["InstanceId"]: each for each in house.api.commands(id)}

    wait_until("one to fail", lambda: by_instance()[fleet["a1"]]["Status"] == "failed", seconds=60)
    wait_until("the two others to run", lambda: {each.name for each in begun.iterdir()} == {"b2", "c3"}, seconds=60)
    running = by_instance()[fleet["b2"]]
    assert house.deployment(id)["Status"] == "running"
    # 04-28: a command that runs is `pending`, acknowledged, and has a log already.
    assert running["Status"] == "pending"
    assert running["AcknowledgedAt"]
    assert running["LogUrl"]
    assert "CompletedAt" not in running

    gate.touch()

    assert house.wait_for_end(id) == "failed"
    assert sorted(each["Status"] for each in by_instance().values()) == ["failed", "successful", "successful"]


def test_04_23_manual_setup_takes_an_instance_out_of_service_and_brings_it_back(
    house: House, fleet: dict[str, str], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    house.publish(
        slow=f"""
        import time
        from pathlib import Path
        while not Path({str(gate)!r}).exists():
            time.sleep(0.05)
        """
    )
    house.wait_for_quiet()
    before = {name: types(house, instance) for name, instance in fleet.items()}
    house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Setup": ["work::slow"]})
    try:
        deployment = house.order("setup", on=[fleet["a1"]], wait=False)[0]["DeploymentId"]
        house.wait_for(fleet["a1"], "running_setup")
        gate.touch()
        assert house.wait_for_end(deployment) == "successful"
    finally:
        gate.touch()
        house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Setup": []})
    house.wait_for(fleet["a1"], "online")
    house.wait_for_quiet()

    after = {name: types(house, instance)[len(before[name]) :] for name, instance in fleet.items()}
    assert after["a1"] == ["setup", "configure"]
    assert set(after["b2"]) == set(after["c3"]) == {"configure"}


def test_04_24_setup_repairs_an_instance_whose_setup_failed_and_configure_is_skipped(
    house: House, fleet: dict[str, str]
) -> None:
    broken = fleet["c3"]
    house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Setup": ["work::fails"]})
    try:
        house.order("setup", on=[broken])
        house.wait_for(broken, "setup_failed")
    finally:
        house.api("UpdateLayer", LayerId=house.layer_id, CustomRecipes={"Setup": []})

    [skipped] = house.order("configure", on=[broken])
    assert skipped["Status"] == "skipped"
    assert "ExitCode" not in skipped
    assert skipped["CompletedAt"]

    [repaired] = house.order("setup", on=[broken])
    assert repaired["Status"] == "successful"
    house.wait_for(broken, "online")
    house.wait_for_quiet()


def test_04_34_a_killed_run_is_255_and_is_not_repeated(house: House, fleet: dict[str, str], tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    house.publish(
        once=f"""
        import time
        from pathlib import Path
        with Path({str(begun)!r}).open("a") as out:
            out.write("x")
        while True:
            time.sleep(0.1)
        """
    )
    command = house.run("work::once", on=[fleet["b2"]], wait=False)
    wait_until("the run to begin", begun.exists, seconds=60)

    house.nodes["b2"].kill()
    for shim in house.runs():
        shim.kill()
    house.nodes["b2"].start()

    assert house.wait_for_end(command["DeploymentId"]) == "failed"
    assert house.api.commands(command["DeploymentId"])[0]["ExitCode"] == 255
    house.wait_for(fleet["b2"], "online")
    # The next command runs, so what was open before it is over.
    assert house.run("work::hello", on=[fleet["b2"]])["Status"] == "successful"
    assert begun.read_text() == "x"


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("DescribeDeployments", {"StackId": "s", "DeploymentIds": ["d"]}),
        ("DescribeCommands", {"InstanceId": "i", "DeploymentId": "d"}),
        ("DescribeCommands", {}),
    ],
)
def test_04_37_a_describe_action_takes_exactly_one_selector(
    house: House, operation: str, members: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match=r"400.*ValidationException"):
        house.api(operation, **members)


def test_04_38_secrets_are_masked_in_the_log_in_every_form(house: House, fleet: dict[str, str]) -> None:
    # Not a form that happens to be in a path or a word of the log.
    secret = "Zq8-tea-kettle-4711"
    app = house.api(
        "CreateApp",
        StackId=house.stack_id,
        Name="Secretive",
        Type="other",
        Environment=[{"Key": "TOKEN", "Value": secret, "Secure": True}],
    )["AppId"]
    house.publish(
        tells="""
        import base64, os, sys, urllib.parse
        from toque import log, node
        [app] = [each for each in node.apps if each["shortname"] == "secretive"]
        token = "".join(app["environment"]["TOKEN"])
        log(f"plain {token}")
        os.write(1, f"raw {token}\\n".encode())
        print("base64", base64.b64encode(token.encode()).decode())
        print("inside", base64.b64encode(f"user:{token}".encode()).decode())
        sys.stdout.flush()
        os.write(1, f"split {token[:7]}".encode())
        os.write(1, f"{token[7:]} length {len(token)}\\n".encode())
        raise ValueError(f"it was {token}")
        """
    )
    command = house.run("work::tells", on=[fleet["a1"]], AppId=app)

    log = house.api.log_of(command)
    assert f"length {len(secret)}" in log, log
    assert "it was ***" in log
    for shape in (secret, secret[:7], secret[7:], "WnE4LXRlYS1rZXR0bGUtNDcxM", "cTgtdGVhLWtldHRsZS00Nz"):
        assert shape not in log
    assert secret not in house.nodes["a1"].log()
    assert secret not in house.server.log()
    told = house.api("GetCommandLog", CommandId=command["CommandId"])
    assert secret not in json.dumps(told)
    house.api("DeleteApp", AppId=app)


def test_04_16_a_deployment_needs_somebody_who_is_online(house: House) -> None:
    empty = house.api(
        "CreateStack",
        Name="empty",
        Region="local",
        ServiceRoleArn="arn:aws:iam::123456789012:role/toque",
        DefaultInstanceProfileArn="arn:aws:iam::123456789012:instance-profile/toque",
    )["StackId"]

    with pytest.raises(Refused, match="no instance that can run configure"):
        house.api("CreateDeployment", StackId=empty, Command={"Name": "configure"})
