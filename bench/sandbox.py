"""How long a sandbox takes to start: until its PID 1 answers, and until a process inside has run.

The first start, which makes the toolchain, is measured apart. Needs root, or user namespaces with sub-uids.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from toque import sandbox
from toque.sandbox import Spec

TARGET_SECONDS = 1.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=10, help="how many sandboxes to start (10)")
    count: int = parser.parse_args().starts
    if (refusal := sandbox.ready()) is not None:
        print(f"sandbox: {refusal}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        first = measure(data, 0)
        rest = [measure(data, number) for number in range(1, count + 1)]
    answers, runs = ([each[column] for each in rest] for column in (0, 1))
    value = statistics.median(runs)
    print(f"first start {first[0]:.3f} s (makes the toolchain)")
    print(f"PID 1 answers: median {statistics.median(answers):.3f} s, slowest {max(answers):.3f} s")
    print(f"a process inside has run: median {value:.3f} s, slowest {max(runs):.3f} s")
    result = {
        "name": "sandbox",
        "value": round(value, 4),
        "unit": "s",
        "target": TARGET_SECONDS,
        "met": value <= TARGET_SECONDS,
        "answers": round(statistics.median(answers), 4),
        "first": round(first[0], 4),
        "starts": count,
    }
    print(json.dumps(result))
    return 0


def measure(data: Path, number: int) -> tuple[float, float]:
    """Seconds until `start` returns, and until a process inside has run and ended."""
    name = f"bench-{number}"
    spec = Spec(name=name, directory=data / name, hostname=name, address="127.80.0.1", persistent=False, hide=(data,))
    begin = time.perf_counter()
    try:
        sandbox.start(spec)
        answered = time.perf_counter() - begin
        sandbox.execute(spec.directory, ["true"])
        return answered, time.perf_counter() - begin
    finally:
        sandbox.remove(spec.directory)


if __name__ == "__main__":
    sys.exit(main())
