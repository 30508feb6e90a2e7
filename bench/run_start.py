"""How fast a run starts: from the poll's answer that brings the command to the first resource, converged.

    python bench/run_start.py [--commands 20]

In between: checks, journal and acknowledgement, policy and parts, the run directory, the shim, the engine, the recipe.
The first command also downloads and unpacks its cookbooks and is reported apart.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "agent")]

from tests.fakes.control import Control  # noqa: E402

TARGET_SECONDS = 0.25


def measure(commands: int) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as folder, Control() as control:
        target = Path(folder, "first")
        handed_out = [0.0]

        def note(path: str, body: bytes) -> bytes:
            if path.endswith("/poll") and b'"command"' in body:
                handed_out[0] = time.time()
            return body

        recipe = f"from toque import file\nfile({str(target)!r}, content='here')"
        control.publish({"default": recipe}, Path(folder))
        control.before_answer = note
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
        took: list[float] = []
        try:
            until = time.monotonic() + 30
            while not control.node_key and time.monotonic() < until:
                time.sleep(0.02)
            for _ in range(commands + 1):
                target.unlink(missing_ok=True)
                order = control.order("test::default")
                until = time.monotonic() + 30
                while order.result is None:
                    if time.monotonic() > until:
                        raise SystemExit("a command does not end; see the agent's output above")
                    time.sleep(0.01)
                if order.result.exit_code:
                    raise SystemExit(order.log.decode(errors="replace"))
                took.append(target.stat().st_mtime - handed_out[0])
        finally:
            agent.terminate()
            agent.wait(timeout=15)
    first, rest = took[0], sorted(took[1:])
    median = statistics.median(rest)
    return {
        "name": "run_start",
        "value": round(median, 3),
        "unit": "s, median",
        "target": TARGET_SECONDS,
        "met": median <= TARGET_SECONDS,
        "slowest": round(rest[-1], 3),
        "with_download": round(first, 3),
        "commands": commands,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=int, default=20, help="how many to measure (default 20)")
    result = measure(parser.parse_args().commands)
    print(f"{result['value']} s from the command's arrival to the first resource (median)")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
