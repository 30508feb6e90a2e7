"""DescribeInstances over a large stack, through the whole of the wire: how long, and how much memory stays.

In process and over WSGI: decoding, permission, database, encoding; no sockets. The answer is asked several times over
and the median counts; memory is what the process grew by between the second answer and the last.

    python bench/describe.py --instances 10000 --database sqlite
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import psutil

from bench.installation import STACK, installation, populate, report, services
from bench.wires import Wires

TARGET, FLAT_MB = 0.5, 20.0


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--instances", type=int, default=10_000)
    options.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    options.add_argument("--times", type=int, default=7, help="how often to ask (7)")
    given = options.parse_args()
    with installation(given.database) as (directory, _):
        made = services(directory)
        populate(made, given.instances)
        wires = Wires(made)
        took, sizes = [], []
        for _ in range(max(3, given.times)):
            began = time.perf_counter()
            said = wires.bearer("DescribeInstances", StackId=STACK)
            took.append(time.perf_counter() - began)
            sizes.append(psutil.Process().memory_info().rss / 1e6)
            assert len(said["Instances"]) == given.instances
        made.database.close()
    median, grown = sorted(took)[len(took) // 2], sizes[-1] - sizes[1]
    print(f"{given.instances} instances in {median:.3f} s (of {len(took)}); memory grew by {grown:.1f} MB")
    report(
        "describe",
        round(median, 3),
        "s",
        TARGET,
        met=median <= TARGET and grown <= FLAT_MB,
        instances=given.instances,
        database=given.database,
        memory_grown_mb=round(grown, 1),
        memory_mb=round(sizes[-1]),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
