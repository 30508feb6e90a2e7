"""Every benchmark at a small size, one after the other, and a table of what they found: `make bench`.

    python bench/all.py [--only polls,converge] [--full]

`--full` takes the sizes that the targets are written for. Exit status 1 where a benchmark did not run to its end; a
target that was missed is said in the table and is no failure, because times depend on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Benchmark:
    """One line of the table. `small` and `full` are arguments of `bench/<script>.py`."""

    name: str
    script: str
    small: str = ""
    full: str = ""
    minutes: float = 5


BENCHMARKS = (
    Benchmark("polls, SQLite", "polls", "--database sqlite --seconds 3 --nodes 500", "--database sqlite"),
    Benchmark("polls, PostgreSQL", "polls", "--database postgres --seconds 3 --nodes 500", "--database postgres"),
    Benchmark("latency, 1 node", "latency", "--nodes 1 --deployments 5", "--nodes 1 --deployments 40"),
    Benchmark("latency, fleet", "latency", "--nodes 200 --deployments 5", "--nodes 200 --deployments 40", 10),
    Benchmark("run_start", "run_start", "--commands 5", "--commands 20"),
    Benchmark("fanout", "fanout", "--nodes 200", "--nodes 1000"),
    Benchmark("order", "order", "--nodes 200", "--nodes 1000"),
    Benchmark("describe", "describe", "--instances 2000 --times 3", "--instances 10000"),
    Benchmark("create_deployment", "create_deployment", "--instances 200 --times 3", "--instances 1000"),
    Benchmark("describe_stacks", "describe_stacks", "--seconds 2", "--seconds 10"),
    Benchmark("bringup", "bringup", "--size 50", "--size 1000", 30),
    Benchmark("converge", "converge", "--runs 3", "--runs 7"),
    Benchmark("idle_agent", "idle_agent", "--seconds 10", "--seconds 60"),
    Benchmark("sandbox", "sandbox", "--starts 2", "--starts 10"),
    Benchmark("heal", "heal", "--kills 1", "--kills 2"),
    Benchmark("fleet", "fleet", "--nodes 5000", "--nodes 100000", 15),
    Benchmark("demo", "demo", "--keep-venv", "", 15),
)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default="", help="scripts to run, separated by commas (default: all)")
    options.add_argument("--full", action="store_true", help="at the sizes of the targets; takes half an hour")
    given = options.parse_args()
    chosen = [each for each in BENCHMARKS if not given.only or each.script in given.only.split(",")]
    lines, broken = [], 0
    for number, each in enumerate(chosen, 1):
        arguments = (each.full if given.full else each.small).split()
        print(f"[{number}/{len(chosen)}] {each.script} {' '.join(arguments)}", flush=True)
        result = run(each, arguments)
        broken += "error" in result
        lines += rows(each.name, result)
    print("\n" + table(lines))
    return 1 if broken else 0


def run(benchmark: Benchmark, arguments: list[str]) -> dict[str, Any]:
    """What the script's last line says, or why there is none. Whatever it started ends with it."""
    command = [sys.executable, str(HERE / f"{benchmark.script}.py"), *arguments]
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=HERE.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        said, _ = process.communicate(timeout=60 * benchmark.minutes)
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {benchmark.minutes:.0f} minutes"}
    finally:
        end(process)
    try:
        result: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    except (IndexError, ValueError):
        print(said, file=sys.stderr)
        return {"error": f"ended with status {process.returncode} and no result"}
    return result | {"took": time.monotonic() - began}


def end(process: subprocess.Popen[str]) -> None:
    """End a benchmark that is still there: first as Ctrl-C would, so that it takes down what it started."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def rows(name: str, result: dict[str, Any]) -> list[tuple[str, ...]]:
    """One line; for a benchmark of several figures, one for each."""
    if "error" in result:
        return [(name, "-", "", "", result["error"])]
    if "figures" in result:
        return [line for each in result["figures"] for line in rows(f"{name}, {each['name']}", each)]
    target, met = result["target"], {True: "yes", False: "no"}[result["met"]]
    return [(name, f"{result['value']:g}", result["unit"], "" if target is None else f"{target:g}", met)]


def table(lines: list[tuple[str, ...]]) -> str:
    whole = [("name", "value", "unit", "target", "met"), *lines]
    widths = [max(len(line[column]) for line in whole) for column in range(5)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column in (1, 3) else text.ljust(width)
            for column, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in whole
    )


if __name__ == "__main__":
    sys.exit(main())
