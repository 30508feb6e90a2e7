from __future__ import annotations

import os
import random
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.agent.daemon.conftest import Node, wait_for
from tests.fakes.control import Control

KILLS = 25
COMMANDS = 40


def recipe(number: int, ran: Path) -> str:
    return f"""
import os, time
mark = os.open({str(ran)!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.write(mark, b"r{number}\\n")
time.sleep({(number % 4) * 0.1})
print("r{number} ended")
"""


def kill_a_run(node: Node) -> bool:
    """Kill the shim of the run that has begun and not ended, if there is one."""
    for begun in node.state.glob("runs/*/begun"):
        if not (begun.parent / "status").exists():
            pid = int(re.findall(r'"pid":(\d+)', begun.read_text())[0])
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            return True
    return False


@pytest.mark.slow
def test_R2_killed_at_random_an_agent_and_its_runs_lose_nothing_and_double_nothing(
    node: Node, control: Control, tmp_path: Path
) -> None:
    chance, ran = random.Random(20), tmp_path / "ran"
    control.publish({f"r{number}": recipe(number, ran) for number in range(COMMANDS)}, tmp_path)
    node.start()
    wait_for("the first poll", lambda: control.polls)
    control.interval = 1.0
    orders = [control.order(f"test::r{number}") for number in range(COMMANDS)]

    killed: Counter[str] = Counter()
    while killed.total() < KILLS and any(order.result is None for order in orders):
        pause = chance.uniform(0.15, 0.9)
        until = time.monotonic() + pause
        wait_for("the moment", lambda until=until: time.monotonic() >= until)
        if chance.random() < 0.3 and kill_a_run(node):
            killed["run"] += 1
        else:
            node.kill()
            killed["agent"] += 1
            node.start()
    wait_for("every result", lambda: all(order.result is not None for order in orders), within=120)

    begun = Counter(ran.read_text().split())
    reasons: Counter[tuple[int, str]] = Counter()
    for number, order in enumerate(orders):
        assert order.result is not None
        assert begun[f"r{number}"] <= 1, f"{order.envelope.command_id} ran twice"
        reasons[order.result.exit_code, order.result.reason] += 1
        if order.result.exit_code == 0:
            assert begun[f"r{number}"] == 1
            assert bytes(order.log).count(b" ended") == 1
    assert set(reasons) <= {(0, ""), (255, "interrupted"), (137, "signal_9")}, reasons
    assert reasons[255, "interrupted"] <= killed["run"]
    assert not control.orphans
