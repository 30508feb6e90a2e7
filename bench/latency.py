"""Command latency in an idle fleet: CreateDeployment until the run's `begun` mark is written on the node.

A real server, one real node (a sandbox with the agent that ships), and simulated agents for the rest of the fleet,
which poll over sockets at the intervals that the server names. The real node is sent `execute_recipes` time and again,
at moments that have nothing to do with its polls.

    python bench/latency.py --nodes 1
    python bench/latency.py --nodes 200 --deployments 20
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import sys
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.installation import agents_of, populate, report, services_of
from bench.server import Server, refuse_where_impossible, wait_for
from toque_server.settings import load

MEDIAN, P99 = 1.2, 2.5
RECIPE = "toque::configure"
"""One that every node has, and that changes nothing on a node that is configured."""


class Remote:
    """The server as a WSGI application, so that simulated agents can talk to it: one connection, kept open."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        headers = {
            name.removeprefix("HTTP_").replace("_", "-"): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        body = environ["wsgi.input"].read()
        self._connection.request(environ["REQUEST_METHOD"], environ["PATH_INFO"], body, headers)
        answer = self._connection.getresponse()
        start_response(f"{answer.status} {answer.reason}", answer.getheaders())
        return [answer.read()]


class Fleet:
    """Agents that poll when their time has come, on one thread. A command is done by the next poll.

    `acknowledged`: when each instance acknowledged its newest command, on the steady clock.
    """

    def __init__(self, agents: list[Any]) -> None:
        self.acknowledged: dict[str, float] = {}
        self._running: dict[int, Any] = {}
        self.polls = 0
        self.worst = 0.0
        self._due = [(time.monotonic() + random.random() * 2, number) for number in range(len(agents))]
        self._agents = agents
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def __enter__(self) -> Fleet:
        heapq.heapify(self._due)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._stop.is_set() and self._due:
            at, number = self._due[0]
            if (wait := at - time.monotonic()) > 0:
                self._stop.wait(min(wait, 0.05))
                continue
            agent = self._agents[number]
            if (envelope := self._running.pop(number, None)) is not None:
                agent.finish(envelope)
            asked = time.monotonic()
            answer = agent.poll()
            self.polls, self.worst = self.polls + 1, max(self.worst, time.monotonic() - asked)
            if (envelope := agent.open(answer)) is not None:
                agent.acknowledge(envelope)
                self.acknowledged[agent.instance_id] = time.monotonic()
                self._running[number] = envelope
            heapq.heapreplace(self._due, (time.monotonic() + answer.interval, number))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=int, default=200, help="the whole fleet, the real node included (200)")
    options.add_argument("--deployments", type=int, default=20, help="how often to send a command (20)")
    given = options.parse_args()
    refuse_where_impossible()
    with Server() as server:
        stack = server.stack()
        node = server.instance(stack, server.layer(stack))
        server.start(node)
        server.wait_for_status(node, "online")
        made = services_of(load(server.data_dir))
        fleet = populate(made, given.nodes - 1, registered=True)
        simulated = agents_of(Remote(server.port), fleet, made.keys.installation_id)
        with Fleet(simulated) as running:
            time.sleep(4.0)
            took = sorted(latency(server, stack, node) for _ in range(given.deployments))
        made.database.close()
    median, p99 = took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))]
    print(f"{len(took)} deployments in a fleet of {given.nodes}: median {median:.2f} s, p99 {p99:.2f} s")
    print(f"{running.polls} polls of simulated nodes meanwhile, the slowest took {running.worst * 1000:.0f} ms")
    met = median <= MEDIAN and p99 <= P99
    report(
        "latency",
        round(median, 3),
        "s",
        MEDIAN,
        met=met,
        p99=round(p99, 3),
        p99_target=P99,
        nodes=given.nodes,
        deployments=len(took),
    )
    return 0


def latency(server: Server, stack_id: str, instance_id: str) -> float:
    """Seconds from the call of CreateDeployment to the `begun` mark; the fleet is idle again when this returns."""
    runs = server.sandbox_of(instance_id)
    command = {"Name": "execute_recipes", "Args": {"recipes": [RECIPE]}}
    began = time.time()
    made = server.api("CreateDeployment", StackId=stack_id, InstanceIds=[instance_id], Command=command)

    def ended() -> Any:
        found = server.api("DescribeDeployments", DeploymentIds=[made["DeploymentId"]])["Deployments"][0]
        return found if found["Status"] != "running" else None

    wait_for("a deployment to end", ended, seconds=60, every=0.1)
    [one] = server.api.commands(made["DeploymentId"])
    if one["Status"] != "successful":
        raise SystemExit(f"the command failed:\n{server.api.log_of(one)}")
    [mark] = runs.glob(f"**/runs/{one['CommandId']}/begun")
    took = float(json.loads(mark.read_text())["at"]) - began
    # The node goes back to its idle rhythm, and the next command finds it at any point between two polls.
    time.sleep(2.0 + 2 * random.random())
    return took


if __name__ == "__main__":
    sys.exit(main())
