"""How long a sandbox instance takes to start: StartInstance until its agent's first poll, with a real server.

    python bench/sandbox.py [--starts 5]

The first instance, for which the toolchain is made, is measured apart, and so is what a sandbox alone takes: until a
process inside has run, without server and agent. Needs root, or user namespaces with sub-uids.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.installation import report
from bench.server import Server, refuse_where_impossible
from toque import sandbox
from toque.sandbox import Spec

TARGET_SECONDS = 1.5


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--starts", type=int, default=5, help="how many to start after the first (5)")
    count: int = options.parse_args().starts
    refuse_where_impossible()
    with tempfile.TemporaryDirectory() as folder:
        alone = [bare(Path(folder), number) for number in range(count + 1)]
    with Server() as server:
        stack = server.stack()
        layer = server.layer(stack)
        polls = [first_poll(server, server.instance(stack, layer)) for _ in range(count + 1)]
    value, inside = statistics.median(polls[1:]), statistics.median(alone[1:])
    print(f"a sandbox alone, until a process inside has run: median {inside:.3f} s, the first {alone[0]:.3f} s")
    print(f"StartInstance to first poll: median {value:.3f} s, slowest {max(polls[1:]):.3f} s, first {polls[0]:.3f} s")
    met = value <= TARGET_SECONDS
    slowest, first = round(max(polls[1:]), 3), round(polls[0], 3)
    report(
        "sandbox",
        round(value, 3),
        "s",
        TARGET_SECONDS,
        met=met,
        slowest=slowest,
        first=first,
        alone=round(inside, 3),
        starts=count,
    )
    return 0


def bare(data: Path, number: int) -> float:
    """Seconds until a process in a new sandbox has run and ended."""
    name = f"bench-{number}"
    spec = Spec(name=name, directory=data / name, hostname=name, address="127.80.0.1", persistent=False, hide=(data,))
    begin = time.perf_counter()
    try:
        sandbox.start(spec)
        sandbox.execute(spec.directory, ["true"])
        return time.perf_counter() - begin
    finally:
        sandbox.remove(spec.directory)


def first_poll(server: Server, instance_id: str) -> float:
    """Seconds from the call of StartInstance until the server has seen the agent and moved the instance on."""
    began = time.time()
    server.start(instance_id)
    server.wait_for_status(instance_id, "online")
    return server.became(instance_id, "running_setup") - began


if __name__ == "__main__":
    sys.exit(main())
