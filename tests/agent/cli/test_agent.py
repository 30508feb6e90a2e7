from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agent.daemon.conftest import Node, wait_for
from tests.fakes.control import Control

RECIPES = {
    "default": "from toque import node\nprint('port', node['port'])",
    "fail": "raise ValueError('this went wrong')",
    "slow": """
import os, pathlib, time
print("slow began", flush=True)
while not pathlib.Path(os.environ["TOQUE_TEST_GO"]).exists():
    time.sleep(0.05)
print("slow ended")
""",
}
SECRET = "correct-horse-battery"


@pytest.fixture
def control() -> Iterator[Control]:
    with Control() as control:
        yield control


@pytest.fixture
def node(tmp_path: Path, control: Control) -> Iterator[Node]:
    folder = tmp_path / "node"
    folder.mkdir()
    node = Node(folder, control)
    control.publish(RECIPES, tmp_path)
    yield node
    if node.agent is not None and node.agent.poll() is None:
        node.kill()


def call(node: Node, *words: str, program: str = "toque.cli", stdin: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", program, *words]
    if program != "toque.cli":
        argv = [sys.executable, "-c", f"from {program} import main; main()", *words]
    return subprocess.run(
        argv, env=node.environment, capture_output=True, text=True, timeout=60, check=False, input=stdin
    )


def agent(node: Node, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return call(node, "agent", *words, stdin=stdin)


def opsworks(node: Node, *words: str) -> subprocess.CompletedProcess[str]:
    return call(node, *words, program="toque.cli.opsworks_agent_cli")


@pytest.fixture
def worked(node: Node, control: Control) -> Node:
    """A node that has carried out a configure and a deploy, in this order."""
    assert agent(node, "enrol", "--token", "-", stdin=control.token.text).returncode == 0
    data = {
        "levels": (("stack", {"port": 80}), ("deployment", {"port": 8080, "password": SECRET})),
        "masked": (SECRET,),
        "bags": {"mine": {"one": {"id": "one"}}},
    }
    for kind in ("configure", "deploy"):
        order = control.order("test::default", type=kind, data=data)
        assert agent(node, "once").returncode == 0
        assert order.result is not None
        assert order.result.exit_code == 0, order.log
    return node


def test_a_machine_is_enrolled_once_and_saying_it_again_changes_nothing(node: Node, control: Control) -> None:
    first = agent(node, "enrol", "--token", control.token.text)
    again = agent(node, "enrol", "--token", control.token.text)

    assert (first.returncode, again.returncode) == (0, 0)
    assert "is instance i-1" in first.stdout
    assert "already" in again.stdout
    assert len(control.keys) == 1


def test_S1_a_damaged_token_is_named_as_such(node: Node, control: Control) -> None:
    shown = agent(node, "enrol", "--token", control.token.text[:-1])

    assert shown.returncode == 1
    assert "changed or cut" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_without_an_agent_the_commands_say_what_to_do(node: Node) -> None:
    shown = agent(node, "report")

    assert shown.returncode == 1
    assert "toque agent enrol" in shown.stderr


def test_the_status_says_whether_the_agent_runs(worked: Node, control: Control) -> None:
    stopped = agent(worked, "status")
    worked.start()
    polls = len(control.polls)
    wait_for("a poll", lambda: len(control.polls) > polls)
    assert worked.agent is not None

    running = agent(worked, "status", "--output", "json")

    assert stopped.returncode == 3
    assert running.returncode == 0
    found = json.loads(running.stdout)
    assert (found["pid"], found["instance"], found["disabled"]) == (worked.agent.pid, "i-1", "")


def test_a_disabled_agent_takes_no_commands_and_says_why(worked: Node, control: Control) -> None:
    agent(worked, "disable", "--reason", "maintenance of the disk")
    order = control.order("test::default")

    agent(worked, "once")
    assert order.result is None
    assert not order.acknowledged
    assert control.polls[-1].disabled == "maintenance of the disk"
    agent(worked, "enable")
    agent(worked, "once")

    assert order.result is not None


def test_08_20_list_commands_prints_time_eight_blanks_and_activity(worked: Node) -> None:
    shown = opsworks(worked, "list_commands")

    assert re.fullmatch(r"\d{4}(-\d\d){2}T\d\d:\d\d:\d\d {8}configure\n\S+ {8}deploy\n", shown.stdout)
    assert opsworks(worked, "list_commands", "deploy").stdout.endswith(" deploy\n")
    assert agent(worked, "list").stdout == shown.stdout


def test_08_21_get_json_prints_the_run_list_and_with_i_the_internal_object(worked: Node) -> None:
    date = opsworks(worked, "list_commands", "configure").stdout.split()[0]

    customer = json.loads(opsworks(worked, "get_json", "configure").stdout)
    internal = json.loads(opsworks(worked, "get_json", date, "configure", "-i").stdout)["aws_opsworks_agent"]

    assert customer == {"port": 8080, "password": "*****FILTERED*****", "run_list": ["recipe[test::default]"]}
    assert internal["chef"]["customer_recipes"] == ["test::default"]
    assert set(internal["resources"]) == {
        "apps",
        "layers",
        "instances",
        "users",
        "elastic_load_balancers",
        "rds_db_instances",
        "stack",
        "ecs_clusters",
        "volumes",
    }
    assert "sync_remote_users" in internal["valid_client_activities"]
    assert SECRET in opsworks(worked, "get_json", "--show-secrets").stdout


def test_04_40_08_22_run_command_repeats_a_run_here_and_the_server_hears_nothing(
    worked: Node, control: Control, tmp_path: Path
) -> None:
    requests = len(control.requests)
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps({"port": 99, "run_list": ["recipe[test::default]"]}))

    again = opsworks(worked, "run_command", "deploy")
    other = opsworks(worked, "run_command", "-f", str(changed))
    failing = tmp_path / "failing.json"
    failing.write_text(json.dumps({"run_list": ["test::fail"]}))
    failed = opsworks(worked, "run_command", "deploy", str(failing))

    assert (again.returncode, other.returncode, failed.returncode) == (0, 0, 1)
    assert "port 8080" in again.stdout
    assert "port 99" in other.stdout
    assert "this went wrong" in failed.stdout
    assert len(control.requests) == requests
    assert not list(worked.state.glob("rerun-*"))


def test_08_23_stack_state_has_its_keys(worked: Node) -> None:
    found = json.loads(opsworks(worked, "stack_state").stdout)

    assert set(found) == {"last_command", "instance", "layers", "applications", "stack", "agent"}
    assert found["last_command"]["activity"] == "deploy"
    assert found["instance"]["instance_id"] == "i-1"
    assert found["instance"]["self"] is True


def test_the_reports_say_what_was_last_and_who_this_is(worked: Node) -> None:
    short, long = opsworks(worked, "agent_report").stdout, opsworks(worked, "instance_report").stdout

    assert re.search(r'Last activity was a "deploy" on \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC', short)
    assert "Agent Version:" in short
    assert "OpsWorks Stack: Test" in long
    assert "Location:" in long
    assert "Networking:" in long


def test_a_log_can_be_followed_while_its_run_goes_on(worked: Node, control: Control, tmp_path: Path) -> None:
    worked.settings["TOQUE_TEST_GO"] = str(tmp_path / "go")
    worked.start()
    order = control.order("test::slow", type="setup")
    wait_for("the run", lambda: b"slow began" in order.log)

    with subprocess.Popen(
        [sys.executable, "-m", "toque.cli", "agent", "log", "setup", "--follow"],
        env=worked.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as follower:
        assert follower.stdout is not None
        seen = ""
        while "slow began" not in seen:
            seen += follower.stdout.readline()
        (tmp_path / "go").touch()
        rest = follower.stdout.read()

    assert "slow ended" in rest
    assert follower.returncode == 0


def test_a_run_that_is_not_kept_is_exit_code_2(worked: Node) -> None:
    shown = opsworks(worked, "show_log", "undeploy")

    assert shown.returncode == 2
    assert "no run of undeploy" in shown.stderr
    assert opsworks(worked, "bad_command").returncode == 1
