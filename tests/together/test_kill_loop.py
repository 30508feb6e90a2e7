"""R2: under a stream of commands, random kills of server, agent and run lose nothing and start nothing twice."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import textwrap
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.together import house as houses
from tests.together.house import House
from toque_server.cli.demo.api import wait_until

KILLS = int(os.environ.get("TOQUE_TEST_KILLS", "25"))

# Each run appends its number twice, around a short wait, so that a run that starts twice is seen, and one killed between too.
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

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.random = house, random.Random(seed)
        self.kills = {"server": 0, "agent": 0, "run": 0}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop)

    def __enter__(self) -> Chaos:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def enough(self) -> bool:
        return all(count >= KILLS for count in self.kills.values())

    def _loop(self) -> None:
        while not self._stop.is_set():
            self._stop.wait(self.random.uniform(0.05, 0.4))
            wanted = [kind for kind, count in self.kills.items() if count < KILLS]
            if not wanted:
                return
            getattr(self, f"_{self.random.choice(wanted)}")()

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
        for process in psutil.process_iter(["cmdline"]):
            words = " ".join(process.info["cmdline"] or [])
            if "toque.daemon.shim" in words and str(self.house.directory) in words:
                with contextlib.suppress(psutil.Error):
                    process.send_signal(signal.SIGKILL)
                    self.kills["run"] += 1
                return


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_R2_nothing_is_lost_nothing_starts_twice_and_everything_ends(tmp_path: Path) -> None:
    out = tmp_path / "trace"
    deployments: list[str] = []
    with houses.opened(tmp_path, {"work": textwrap.dedent(WORK)}) as house:
        instance = house.join("n1")
        house.wait_for(instance, "online")

        with Chaos(house, seed=20301231) as chaos:
            while not chaos.enough():
                number = len(deployments)
                deployment = _order(house, instance, out, number)
                if deployment:
                    deployments.append(deployment)
                time.sleep(0.05)

        for deployment in deployments:
            house.wait_for_end(deployment, seconds=120)
        ended = {d: house.api.commands(d)[0] for d in deployments}

    lines = out.read_text().splitlines() if out.exists() else []
    begun = [line.split()[1] for line in lines if line.startswith("begin")]
    assert len(begun) == len(set(begun)), "a command ran twice"
    assert all(command["Status"] in {"successful", "failed"} for command in ended.values())
    finished = {line.split()[1] for line in lines if line.startswith("end")}
    for number, deployment in enumerate(deployments):
        if ended[deployment]["Status"] == "successful":
            assert str(number) in finished, f"command {number} is said to be successful and did not end"
    assert sum(c["Status"] == "successful" for c in ended.values()) > 0
    interrupted = [c for c in ended.values() if c["Status"] == "failed"]
    assert all(c["ExitCode"] in {255, 137} for c in interrupted), interrupted
    with sqlite3.connect(house.server.data_dir / "toque.db") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)


def _order(house: House, instance: str, out: Path, number: int) -> str | None:
    """One more command, or None when the server was killed before it could answer; then nothing may have been promised."""
    import json

    import requests

    from toque_server.cli.demo.api import Refused

    given = json.dumps({"kill": {"path": str(out), "number": number}})
    command = {"Name": "execute_recipes", "Args": {"recipes": ["work::work"]}}
    try:
        answer = house.api(
            "CreateDeployment", StackId=house.stack_id, Command=command, InstanceIds=[instance], CustomJson=given
        )
    except (requests.RequestException, Refused):
        return None
    return str(answer["DeploymentId"])


def test_a_server_killed_while_idle_is_back_with_everything(tmp_path: Path) -> None:
    with houses.opened(tmp_path, {"hello": "from toque import log\nlog('hello')\n"}) as house:
        instance = house.join("n1")
        house.wait_for(instance, "online")

        house.server.kill()
        house.server.start()

        wait_until("the node to be in contact", lambda: house.status(instance) == "online", seconds=20)
        assert house.run("work::hello", on=[instance])["Status"] == "successful"
