"""R2: under a stream of commands, random kills of server, agent and run lose nothing and start nothing twice."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from tests.together import house as houses
from tests.together.house import House
from toque_server.cli.demo.api import Refused, wait_until

KILLS = int(os.environ.get("TOQUE_TEST_KILLS", "15"))
"""Of each kind: server, agent, run."""

OPEN = 4

# Each run appends its number twice, around a short wait: one that starts twice is seen, and one killed between too.
WORK = """
    import time
    from pathlib import Path
    from toque import node
    out = Path(node["kill"]["path"])
    number = node["kill"]["number"]
    with out.open("a") as f:
        f.write(f"begin {number}\\n")
    time.sleep(0.05)
    with out.open("a") as f:
        f.write(f"end {number}\\n")
"""


class Chaos:
    """Kills something of the house, again and again, until told to stop."""

    def __init__(self, house: House, *, seed: int, kills: int) -> None:
        self.house, self.random, self.wanted = house, random.Random(seed), kills
        self.kills = {"server": 0, "agent": 0, "run": 0}
        self._stop = threading.Event()
        self._broken: Exception | None = None
        self._thread = threading.Thread(target=self._loop)

    def __enter__(self) -> Chaos:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def is_over(self) -> bool:
        """Whether there were enough kills. Raises what broke the killing, if something did."""
        if self._thread.is_alive():
            return False
        if self._broken is not None:
            raise self._broken
        return True

    def _loop(self) -> None:
        try:
            while not self._stop.is_set():
                self._stop.wait(self.random.uniform(0.05, 0.4))
                wanted = [kind for kind, count in self.kills.items() if count < self.wanted]
                if not wanted:
                    return
                getattr(self, f"_{self.random.choice(wanted)}")()
        except Exception as broken:  # noqa: BLE001 (told to the test's own thread)
            self._broken = broken

    def _server(self) -> None:
        self.house.server.kill()
        self.house.server.start()
        self.kills["server"] += 1

    def _agent(self) -> None:
        node = self.house.nodes["n1"]
        node.kill()
        node.start()
        self.kills["agent"] += 1

    def _run(self) -> None:
        for shim in self.house.runs()[:1]:
            with contextlib.suppress(psutil.Error):
                shim.kill()
                self.kills["run"] += 1


@dataclass
class Orders:
    """A stream of commands for one instance: never more than a few open ones, so that the end is near at any time."""

    house: House
    instance: str
    out: Path
    given: dict[str, int] = field(default_factory=dict)
    """What was promised: deployment id to number. An order whose answer was lost has a number that nobody else gets."""
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _open: list[str] = field(default_factory=list)

    def place(self) -> None:
        """One more command, unless enough are open or the server is being killed."""
        with contextlib.suppress(requests.RequestException, Refused):
            if len(self._open) >= OPEN:
                found = self.house.api("DescribeDeployments", DeploymentIds=self._open)["Deployments"]
                self._open = [each["DeploymentId"] for each in found if each["Status"] == "running"]
            if len(self._open) < OPEN:
                number = next(self._numbers)
                custom = json.dumps({"kill": {"path": str(self.out), "number": number}})
                command = {"Name": "execute_recipes", "Args": {"recipes": ["work::work"]}}
                deployment = self.house.api(
                    "CreateDeployment",
                    StackId=self.house.stack_id,
                    Command=command,
                    InstanceIds=[self.instance],
                    CustomJson=custom,
                )["DeploymentId"]
                self.given[deployment] = number
                self._open.append(deployment)

    def results(self) -> dict[int, dict[str, Any]]:
        """Every promised command by its number, ended."""
        for deployment in self.given:
            self.house.wait_for_end(deployment, seconds=120)
        return {number: self.house.api.commands(deployment)[0] for deployment, number in self.given.items()}


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_R2_nothing_is_lost_nothing_starts_twice_and_everything_ends(tmp_path: Path) -> None:
    with houses.opened(tmp_path, {"work": WORK}) as house:
        ended, lines = _under_fire(house, tmp_path / "trace", kills=KILLS, seed=20301231)
        house.server.stop()
        with contextlib.closing(sqlite3.connect(house.server.data_dir / "toque.db")) as database:
            assert database.execute("pragma integrity_check").fetchone() == ("ok",)

    _require_R2(ended, lines)


@pytest.mark.slow
@pytest.mark.postgres
@pytest.mark.timeout(420)
def test_R2_holds_on_postgresql_with_two_workers(tmp_path: Path, postgres_url: Callable[[], str]) -> None:
    with houses.opened(tmp_path, {"work": WORK}, database=postgres_url(), workers=2) as house:
        ended, lines = _under_fire(house, tmp_path / "trace", kills=min(KILLS, 5), seed=20310101)

    _require_R2(ended, lines)


def _under_fire(house: House, out: Path, *, kills: int, seed: int) -> tuple[dict[int, dict[str, Any]], list[list[str]]]:
    """Order and kill until there were `kills` of each kind; the promised commands, ended, and the lines of the runs."""
    instance = house.join("n1")
    house.wait_for(instance, "online")
    orders = Orders(house, instance, out)
    with Chaos(house, seed=seed, kills=kills) as chaos:
        while not chaos.is_over():
            orders.place()
            time.sleep(0.02)
    return orders.results(), [line.split() for line in out.read_text().splitlines()]


def _require_R2(ended: dict[int, dict[str, Any]], lines: list[list[str]]) -> None:
    begun = [int(number) for word, number in lines if word == "begin"]
    finished = {int(number) for word, number in lines if word == "end"}
    good = {number for number, command in ended.items() if command["Status"] == "successful"}
    bad = {number: command for number, command in ended.items() if number not in good}
    assert len(begun) == len(set(begun)), "a command ran twice"
    assert good and good <= finished, f"said to be successful, and did not end: {sorted(good - finished)}"
    assert all((each["Status"], each["ExitCode"]) in {("failed", 255), ("failed", 137)} for each in bad.values()), bad


def test_a_server_killed_while_idle_is_back_with_everything(tmp_path: Path) -> None:
    with houses.opened(tmp_path, {"hello": "from toque import log\nlog('hello')\n"}) as house:
        instance = house.join("n1")
        house.wait_for(instance, "online")

        house.server.kill()
        house.server.start()

        wait_until("the node to be in contact", lambda: house.status(instance) == "online", seconds=20)
        assert house.run("work::hello", on=[instance])["Status"] == "successful"
