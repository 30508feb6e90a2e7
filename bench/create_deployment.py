"""CreateDeployment over a large stack: how long the call takes that writes a command for every instance.

In process and over WSGI, on a database on disk: what is answered is written. The median of several calls counts.

    python bench/create_deployment.py --instances 1000 --database postgres
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.installation import STACK, installation, populate, report, services
from bench.wires import Wires

TARGET = 0.5
RECIPES = {"Name": "execute_recipes", "Args": {"recipes": ["toque::configure"]}}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--instances", type=int, default=1000)
    options.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    options.add_argument("--times", type=int, default=5, help="how often to deploy (5)")
    given = options.parse_args()
    with installation(given.database) as (directory, _):
        made = services(directory)
        populate(made, given.instances)
        wires = Wires(made)
        took = []
        for _ in range(given.times):
            began = time.perf_counter()
            deployment = wires.bearer("CreateDeployment", StackId=STACK, Command=RECIPES)["DeploymentId"]
            took.append(time.perf_counter() - began)
            written = wires.bearer("DescribeCommands", DeploymentId=deployment)["Commands"]
            assert len(written) == given.instances
        made.database.close()
    median = sorted(took)[len(took) // 2]
    print(f"a deployment to {given.instances} instances is written in {median:.3f} s (median of {len(took)})")
    report(
        "create_deployment",
        round(median, 3),
        "s",
        TARGET,
        met=median <= TARGET,
        instances=given.instances,
        database=given.database,
        slowest=round(max(took), 3),
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
