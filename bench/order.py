"""One order to N waiting nodes: how long until 95 % of them have acknowledged it (chapter 10, R26).

`toque server run` in processes of its own; the nodes are simulated in this one,
poll over sockets at the intervals that the server names, fetch nothing and run nothing. The order is CreateDeployment
`execute_recipes` to all of them. With polls 2 s apart the last node
hears of it 2.2 s after the order at best, and 95 % of them 1.95 s after it.

    python bench/order.py --nodes 1000 --database sqlite
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.installation import STACK, agents_of, database_url, populate, report, services_of
from bench.latency import Fleet, Remote
from bench.server import Server, wait_for
from toque_server.settings import load

TARGET, SHARE = 2.0, 0.95
LANES = 8
"""Threads of simulated nodes; each has one connection."""


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--nodes", type=int, default=200)
    options.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    options.add_argument("--workers", type=int, default=2, help="processes, on PostgreSQL (2); SQLite has one")
    given = options.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="toque-bench-")))
        url = "" if given.database == "sqlite" else stack.enter_context(database_url("postgres", folder))
        server = stack.enter_context(Server(database=url, workers=given.workers))
        made = services_of(load(server.data_dir))
        stack.callback(made.database.close)
        fleet = populate(made, given.nodes, registered=True)
        lanes = [
            Fleet(agents_of(Remote(server.port), fleet[lane::LANES], made.keys.installation_id))
            for lane in range(LANES)
        ]
        for lane in lanes:
            stack.enter_context(lane)
        time.sleep(5.0)
        took = sorted(ordered(server, lanes, [id for id, _, _ in fleet]))
    value = took[int(len(took) * SHARE) - 1]
    half, last = took[len(took) // 2], took[-1]
    print(f"{len(took)} of {given.nodes} nodes have it: half after {half:.2f} s, all after {last:.2f} s")
    report(
        "order",
        round(value, 2),
        "s",
        TARGET,
        met=value <= TARGET and len(took) == given.nodes,
        median=round(half, 2),
        last=round(last, 2),
        nodes=given.nodes,
        database=given.database,
    )
    return 0


def ordered(server: Server, lanes: list[Fleet], ids: list[str]) -> list[float]:
    """Seconds from the call of CreateDeployment to each node's acknowledgement."""
    command = {"Name": "execute_recipes", "Args": {"recipes": ["shop::default"]}}
    began = time.monotonic()
    server.api("CreateDeployment", StackId=STACK, InstanceIds=ids, Command=command)

    def all_have_it() -> bool:
        return sum(len(lane.acknowledged) for lane in lanes) == len(ids)

    wait_for("every node to have the order", all_have_it, seconds=60)
    return [at - began for lane in lanes for at in lane.acknowledged.values()]


if __name__ == "__main__":
    sys.exit(main())
