"""What an idle agent costs: memory (PSS) and processor time of the resident process at 2 s polls.

    python bench/idle_agent.py [--seconds 60]

The server is a small real one on loopback (tests/fakes/control.py), in a process of its own. PSS counts a page that
several processes share in parts; `rss_mb`, which counts it in full, is what the agent would weigh alone on a machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "agent")]

from tests.fakes.control import Control  # noqa: E402

PSS_TARGET_MB = 30.0
CPU_TARGET_PERCENT = 0.3


def memory_mb(pid: int) -> dict[str, float]:
    """PSS, RSS and private memory of a process, in MiB."""
    found = {"Pss": 0, "Rss": 0, "Private_Clean": 0, "Private_Dirty": 0}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, kilobytes = line.split()[:2]
        if name.rstrip(":") in found:
            found[name.rstrip(":")] = int(kilobytes)
    private = found["Private_Clean"] + found["Private_Dirty"]
    return {"pss_mb": found["Pss"] / 1024, "rss_mb": found["Rss"] / 1024, "private_mb": private / 1024}


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for_polls(control: Control, count: int) -> None:
    until = time.monotonic() + 60
    while len(control.polls) < count:
        if time.monotonic() > until:
            raise SystemExit("the agent does not poll; see its output above")
        time.sleep(0.05)


def measure(seconds: float) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder, Control() as control:
        control.interval = 2.0
        control.new_policy()
        token = Path(folder, "token")
        token.write_text(control.token.text)
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "agent"),
            "TOQUE_AGENT_SERVER_URL": control.url,
            "TOQUE_AGENT_STATE_DIR": f"{folder}/state",
            "TOQUE_AGENT_JOIN_TOKEN_FILE": str(token),
            "TOQUE_AGENT_CONFIG": f"{folder}/agent.toml",
        }
        agent = subprocess.Popen([sys.executable, "-m", "toque.daemon.main"], env=environment)
        try:
            wait_for_polls(control, 3)
            polls, spent, began = len(control.polls), processor_seconds(agent.pid), time.monotonic()
            time.sleep(seconds)
            spent, took = processor_seconds(agent.pid) - spent, time.monotonic() - began
            memory = memory_mb(agent.pid)
            polls = len(control.polls) - polls
        finally:
            agent.terminate()
            agent.wait(timeout=15)
    percent = 100 * spent / took
    return {
        "name": "idle_agent",
        "value": round(memory["pss_mb"], 1),
        "unit": "MB PSS",
        "target": PSS_TARGET_MB,
        "met": memory["pss_mb"] <= PSS_TARGET_MB and percent <= CPU_TARGET_PERCENT,
        "cpu_percent": round(percent, 2),
        "cpu_target": CPU_TARGET_PERCENT,
        "rss_mb": round(memory["rss_mb"], 1),
        "private_mb": round(memory["private_mb"], 1),
        "polls": polls,
        "seconds": round(took, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to look (default 60)")
    result = measure(parser.parse_args().seconds)
    print(f"{result['value']} MB PSS, {result['rss_mb']} MB RSS, {result['cpu_percent']} % of one core")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
