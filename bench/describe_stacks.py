"""DescribeStacks, again and again, over each wire: how many requests a second one process answers.

In process and over WSGI, one thread: signature or token, permission, database, encoding. The AWS requests are signed
beforehand. No target is set; the figures say what a signature costs beside a token.

    python bench/describe_stacks.py --stacks 10 --seconds 5
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.installation import installation, services
from bench.wires import Wires

ROLE = {
    "ServiceRoleArn": "arn:aws:iam::123456789012:role/bench",
    "DefaultInstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/bench",
}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--stacks", type=int, default=10)
    options.add_argument("--seconds", type=float, default=5.0, help="how long to ask over each wire (5)")
    options.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = options.parse_args()
    with installation(given.database) as (directory, _):
        made = services(directory)
        wires = Wires(made)
        for number in range(given.stacks):
            wires.bearer("CreateStack", Name=f"stack {number}", Region="bench", **ROLE)
        signed = wires.signed("DescribeStacks")
        assert len(wires.answered(signed)["Stacks"]) == given.stacks
        rates = {
            "SigV4": per_second(lambda: wires.answered(signed), given.seconds),
            "bearer": per_second(lambda: wires.bearer("DescribeStacks"), given.seconds),
        }
        made.database.close()
    figures = [
        {"name": wire, "value": round(rate), "unit": "/s", "target": None, "met": True} for wire, rate in rates.items()
    ]
    print(
        json.dumps({"name": "describe_stacks", "stacks": given.stacks, "database": given.database, "figures": figures})
    )
    return 0


def per_second(ask: Callable[[], Any], seconds: float) -> float:
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        ask()
        count += 1
    return count / passed


if __name__ == "__main__":
    sys.exit(main())
