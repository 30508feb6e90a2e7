from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes.control import Control

HERE = Path(__file__).resolve().parents[3]


def wait_for(what: str, condition: Callable[[], object], *, within: float = 30.0) -> None:
    """Wait on a condition; after the deadline the test fails and says what it was waiting for."""
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until, f"waited {within:.0f} s for: {what}"
        time.sleep(0.02)


@dataclass
class Node:
    """A machine with an agent that a test starts, kills and looks into."""

    folder: Path
    control: Control
    settings: dict[str, str] = field(default_factory=dict)
    agent: subprocess.Popen[bytes] | None = None

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def run(self, command_id: str) -> Path:
        return self.state / "runs" / command_id

    @property
    def environment(self) -> dict[str, str]:
        token = self.folder / "token"
        token.write_text(self.control.token.text)
        return {
            **os.environ,
            "PYTHONPATH": str(HERE / "agent"),
            "TOQUE_AGENT_SERVER_URL": self.control.url,
            "TOQUE_AGENT_STATE_DIR": str(self.state),
            "TOQUE_AGENT_LOG_DIR": str(self.folder / "log"),
            "TOQUE_AGENT_JOIN_TOKEN_FILE": str(token),
            "TOQUE_AGENT_CONFIG": str(self.folder / "agent.toml"),
            **self.settings,
        }

    def start(self) -> None:
        with (self.folder / "agent.log").open("ab") as log:
            self.agent = subprocess.Popen(
                [sys.executable, "-m", "toque.daemon.main"], env=self.environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        assert self.agent is not None
        self.agent.kill()
        self.agent.wait()

    def stop(self) -> int:
        assert self.agent is not None
        self.agent.send_signal(signal.SIGTERM)
        return self.agent.wait(timeout=15)

    def said(self) -> str:
        return (self.folder / "agent.log").read_text(errors="replace")


@pytest.fixture
def control(tmp_path: Path) -> Iterator[Control]:
    with Control() as control:
        yield control


@pytest.fixture
def node(tmp_path: Path, control: Control) -> Iterator[Node]:
    folder = tmp_path / "node"
    folder.mkdir()
    node = Node(folder, control)
    yield node
    if node.agent is not None and node.agent.poll() is None:
        node.kill()
    end_runs(node)


def end_runs(node: Node) -> None:
    """Kill the shims that a test left behind; their runs die with them."""
    found = subprocess.run(["pgrep", "-f", f"toque.daemon.shim {node.state}/"], capture_output=True, text=True)
    for pid in found.stdout.split():
        os.kill(int(pid), signal.SIGKILL)
