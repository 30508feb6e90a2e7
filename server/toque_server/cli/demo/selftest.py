"""Everything the demo shows, asserted: `toque demo --self-test`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import requests

from toque import sandbox
from toque_server.cli.demo.api import TookTooLong, wait_until
from toque_server.cli.demo.fleet import ONLINE_WITHIN, Fleet

HEALED_WITHIN = 150.0
"""Seconds. Healing is rationed: after a heal the next one waits up to a minute for its turn (R17), then takes ten."""
SERVED_WITHIN = 20.0


class CheckFailed(Exception):
    """What the demo shows is not so; the message says what was found."""


class CheckSkipped(Exception):
    """This machine lacks what the check needs; the message says what, and what would help."""


def checks() -> Iterator[tuple[str, Callable[[Fleet], str]]]:
    """Each check: what it shows, and the function that raises if it is not so, or says what it saw."""
    yield "all instances are online", all_online
    yield "the app answers, from both instances", both_answer
    yield "an entry signed once is on both instances", entries_are_stored
    yield "a second release is deployed", second_release
    yield "and rolled back", rolled_back
    yield "execute_recipes runs a named recipe", named_recipe
    yield "a failing recipe shows file, line and reason", failing_recipe
    yield "an instance killed with SIGKILL is healed and serves again", healed
    yield "the aws client sees the same stack", aws_client
    yield "the console signs in and shows the stack", console


def all_online(fleet: Fleet) -> str:
    statuses = fleet.statuses()
    _require(set(statuses.values()) == {"online"}, f"found {statuses}")
    return ", ".join(sorted(statuses))


def both_answer(fleet: Fleet) -> str:
    seen: set[str] = set()
    expected = {name for name in fleet.statuses() if name.startswith("python-app")}

    def both() -> bool:
        with requests.Session() as session:
            session.trust_env = False
            for url in [fleet.front_url()] if fleet.balancer else fleet.app_urls():
                answer = session.get(url, timeout=5)
                if answer.status_code == 200 and "guestbook" in answer.text.lower():
                    seen.add(answer.headers["X-Served-By"])
        return seen >= expected

    _wait("answers from both app instances", both, SERVED_WITHIN)
    return f"served by {', '.join(sorted(seen))}"


def entries_are_stored(fleet: Fleet) -> str:
    entry = {"name": "The self-test", "message": "was here"}
    _require(
        requests.post(f"{fleet.front_url()}entries", data=entry, timeout=5).status_code == 200, "the form was refused"
    )

    def everywhere() -> bool:
        return all("The self-test" in requests.get(f"{url}entries.json", timeout=5).text for url in fleet.app_urls())

    _wait("the entry on every instance", everywhere, SERVED_WITHIN)
    return f"on {len(fleet.app_urls())} instances"


def second_release(fleet: Fleet) -> str:
    fleet.guestbook.commit("The second release", RELEASE="2\n")
    _successful(fleet.deploy("deploy"))
    _wait("release 2 on every instance", lambda: _releases(fleet) == {"2"}, SERVED_WITHIN)
    return "release 2 everywhere"


def rolled_back(fleet: Fleet) -> str:
    _successful(fleet.deploy("rollback"))
    _wait("release 1 on every instance", lambda: _releases(fleet) == {"1"}, SERVED_WITHIN)
    return "release 1 everywhere"


def named_recipe(fleet: Fleet) -> str:
    commands = fleet.deploy("execute_recipes", app=False, Args={"recipes": ["demo::hello"]})
    _successful(commands)
    logs = [fleet.api.log_of(command) for command in commands]
    _require(all("hello from" in log for log in logs), f"the log does not show the recipe's words:\n{logs[0]}")
    return f"demo::hello on {len(commands)} instances"


def failing_recipe(fleet: Fleet) -> str:
    target = fleet.api.instances(fleet.stack_id)["python-app1"]["InstanceId"]
    [command] = fleet.deploy("execute_recipes", app=False, Args={"recipes": ["demo::broken"]}, InstanceIds=[target])
    _require(command["Status"] == "failed" and command["ExitCode"] == 1, f"found {command}")
    log = fleet.api.log_of(command)
    for word in ("demo/recipes/broken.py:7", "no kettle"):
        _require(word in log, f"the log does not show {word!r}:\n{log}")
    return "demo/recipes/broken.py:7, no kettle"


def healed(fleet: Fleet) -> str:
    victim = fleet.api.instances(fleet.stack_id)["python-app1"]
    before = fleet.api("DescribeCommands", InstanceId=victim["InstanceId"])["Commands"]
    sandbox.kill(fleet.sandbox_of("python-app1"))
    _wait("the loss to be noticed", lambda: fleet.statuses()["python-app1"] != "online", HEALED_WITHIN)
    try:
        _wait("python-app1 online again", lambda: fleet.statuses()["python-app1"] == "online", HEALED_WITHIN)
    except CheckFailed as failed:
        raise CheckFailed(f"{failed}; now {fleet.statuses()}\n{fleet.why()}") from None

    def set_up_again() -> bool:
        now = fleet.api("DescribeCommands", InstanceId=victim["InstanceId"])["Commands"]
        return len([c for c in now if c["Type"] == "setup"]) > len([c for c in before if c["Type"] == "setup"])

    _wait("its new setup", set_up_again, HEALED_WITHIN)
    both_answer(fleet)
    return "python-app1 is back and serves"


def aws_client(fleet: Fleet) -> str:
    aws = os.environ.get("TOQUE_AWS") or _aws_beside_us()
    if aws is None:
        raise CheckSkipped("no OpsWorks client: set TOQUE_AWS, or run 'make setup' which makes .venv-aws")
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": str(fleet.data_dir),
        "AWS_ACCESS_KEY_ID": fleet.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": fleet.credentials.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_OPSWORKS": fleet.url,
    }
    argv = [aws, "opsworks", "describe-instances", "--stack-id", fleet.stack_id, "--output", "json"]
    try:
        ran = subprocess.run(argv, capture_output=True, text=True, env=environment, timeout=60, check=False)
    except PermissionError:
        raise CheckSkipped(f"this user may not run {aws}: set TOQUE_AWS to a client of one's own") from None
    _require(ran.returncode == 0, f"aws ended with {ran.returncode}: {ran.stderr}")
    statuses = {each["Hostname"]: each["Status"] for each in json.loads(ran.stdout)["Instances"]}
    _require(statuses == fleet.statuses(), f"aws sees {statuses}")
    return f"{len(statuses)} instances"


def console(fleet: Fleet) -> str:
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(f"{fleet.url}/console/", timeout=10)
        _require(page.status_code == 200 and "password" in page.text, f"the sign-in page answered {page.status_code}")
        token = page.text.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]
        form = {
            "csrf_token": token,
            "username": fleet.credentials.console_user,
            "password": fleet.credentials.console_password,
        }
        signed_in = session.post(page.url, data=form, headers={"Origin": fleet.url}, timeout=10)
        _require(
            signed_in.status_code == 200 and "demo" in signed_in.text, f"signing in answered {signed_in.status_code}"
        )
        stack = session.get(f"{fleet.url}/console/stacks/{fleet.stack_id}", timeout=10)
        _require("python-app1" in stack.text, "the stack page does not show its instances")
    return "signed in, python-app1 shown"


def nothing_left(data_dir: Path) -> str:
    """After the teardown: no process of the demo, no mount, no file."""
    own = {str(os.getpid()), str(os.getppid())}
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(data_dir) in words and process.name not in own:
            left.append(words)
    _require(not left, f"still running: {left}")
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if str(data_dir) in line]
    _require(not mounts, f"still mounted: {mounts}")
    _require(not data_dir.exists(), f"{data_dir} is still there")
    return "no process, no mount, no file"


def start_and_wait(fleet: Fleet, say: Callable[[str], None]) -> None:
    """Bring the fleet up; returns when every instance is online and the app answers."""
    fleet.start()
    shown: dict[str, str] = {}

    def online() -> bool:
        for name, status in sorted(fleet.statuses().items()):
            if shown.get(name) != status:
                shown[name] = status
                say(f"  {name:<14} {status}")
        return fleet.all_online()

    wait_until("every instance to be online", online, seconds=ONLINE_WITHIN)
    _wait("the app to answer", lambda: _answers(fleet.front_url()), SERVED_WITHIN)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=3).status_code == 200
    except requests.RequestException:
        return False


def _releases(fleet: Fleet) -> set[str]:
    try:
        return {requests.get(f"{url}health", timeout=5).json()["release"] for url in fleet.app_urls()}
    except (requests.RequestException, ValueError):
        return set()


def _successful(commands: list[dict[str, object]]) -> None:
    wrong = [c for c in commands if c["Status"] != "successful"]
    _require(bool(commands) and not wrong, f"not successful: {wrong}")


def _wait(what: str, ready: Callable[[], bool], seconds: float) -> None:
    def tried() -> bool:
        try:
            return ready()
        except requests.RequestException:
            return False

    try:
        wait_until(what, tried, seconds=seconds)
    except TookTooLong as error:
        raise CheckFailed(str(error)) from None


def _require(true: bool, otherwise: str) -> None:
    if not true:
        raise CheckFailed(otherwise)


def _aws_beside_us() -> str | None:
    beside = Path.cwd() / ".venv-aws" / "bin" / "aws"
    if beside.exists():
        return str(beside)
    return None
