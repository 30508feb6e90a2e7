"""Command latency in an idle fleet: CreateDeployment until the node has its command and has said so.

N simulated agents poll at the intervals that the server names; single nodes of them are sent `execute_recipes` through
the real operation. What comes after the acknowledgement, the start of the run on the node, is `run_start`'s to measure;
its target of 0.25 s is part of this one's.

    python bench/latency.py --nodes 1000 --deployments 40
"""

from __future__ import annotations

import argparse
import heapq
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.installation import STACK, agents_of, installation, node_app, populate, report
from toque_server.domain.permission import Principal
from toque_server.operations import registry
from toque_server.operations.context import Context

MEDIAN, P99 = 1.2, 2.5


class Fleet:
    """Agents that poll when their time has come, on one thread; notes when each command was acknowledged."""

    def __init__(self, agents: list[Any]) -> None:
        self.acknowledged: dict[str, float] = {}
        self._due = [(time.monotonic() + random.random() * 2, number) for number in range(len(agents))]
        self._agents = agents
        self._running: dict[int, Any] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll)

    def __enter__(self) -> Fleet:
        heapq.heapify(self._due)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._stop.is_set():
            at, number = self._due[0]
            if (wait := at - time.monotonic()) > 0:
                time.sleep(min(wait, 0.05))
                continue
            agent = self._agents[number]
            if (envelope := self._running.pop(number, None)) is not None:
                agent.finish(envelope)
            answer = agent.poll()
            envelope = agent.open(answer)
            if envelope is not None:
                agent.acknowledge(envelope)
                self.acknowledged[agent.instance_id] = time.monotonic()
                self._running[number] = envelope
            heapq.heapreplace(self._due, (time.monotonic() + answer.interval, number))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=int, default=200)
    options.add_argument("--deployments", type=int, default=20)
    options.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = options.parse_args()
    with installation(given.database) as (directory, _):
        app = node_app(directory)
        made = app.services
        fleet = populate(made, given.nodes)
        app.hub.look()
        registry.load()
        took = []
        with Fleet(agents_of(app, fleet, made.keys.installation_id)) as running:
            time.sleep(3.0)
            for id, _, _ in random.sample(fleet, min(given.deployments, len(fleet))):
                took.append(latency(made, running, id))
        app.stop()
        made.database.close()
    took.sort()
    median, p99 = took[len(took) // 2], took[min(len(took) - 1, int(len(took) * 0.99))]
    print(f"{len(took)} deployments to single nodes of {given.nodes}: median {median:.2f} s, p99 {p99:.2f} s")
    report(
        "latency",
        round(median, 3),
        "s",
        MEDIAN,
        met=median <= MEDIAN and p99 <= P99,
        p99=round(p99, 3),
        p99_target=P99,
        nodes=given.nodes,
        deployments=len(took),
    )
    return 0


def latency(made: Any, running: Fleet, instance_id: str) -> float:
    """Seconds from the call of CreateDeployment to the acknowledgement; the fleet is idle again when this returns."""
    owner = Context(
        caller=Principal(arn="arn:aws:iam::123456789012:root", name="admin", administrator=True), services=made
    )
    started = time.monotonic()
    command = {"Name": "execute_recipes", "Args": {"recipes": ["shop::default"]}}
    registry.call("CreateDeployment", owner, {"StackId": STACK, "InstanceIds": [instance_id], "Command": command})
    while instance_id not in running.acknowledged:
        time.sleep(0.005)
        if time.monotonic() - started > 60:
            raise SystemExit(f"no acknowledgement of {instance_id} within a minute")
    took = running.acknowledged[instance_id] - started
    time.sleep(2.5)
    return took


if __name__ == "__main__":
    sys.exit(main())
