"""A real `toque server run` for tests: started, waited for, stopped."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def toque_server(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run one of the server's commands to its end."""
    return subprocess.run(
        command(*arguments), capture_output=True, text=True, env=environment(), timeout=DEADLINE, **options
    )


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", "from toque_server.cli import server; server()", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("agent", "server"))}


def init(data_dir: Path, *options: str) -> dict[str, Any]:
    """Make an installation; what `init` printed."""
    done = toque_server("init", "--data-dir", data_dir, "--output", "json", *options)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@dataclass
class Served:
    """A server that runs. `out` is what it printed so far."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def out(self) -> str:
        return self.log.read_text()

    @property
    def worker(self) -> int:
        """The first of the processes that serve."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return int(children[0])


@contextmanager
def running(data_dir: Path, *options: str) -> Iterator[Served]:
    """Serve an installation; returns when it says that it does, ends with the block."""
    log = data_dir / "test.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command("run", "--data-dir", data_dir, *options), stdout=out, stderr=out, text=True, env=environment()
        )
    served = Served(process, log)
    try:
        until(lambda: "Toque serves" in served.out or process.poll() is not None, "the server to serve", log)
        assert process.poll() is None, served.out
        yield served
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=DEADLINE)


def until(true: Any, what: str, log: Path | None = None) -> None:
    """Wait for a condition; fail loudly after a minute."""
    deadline = time.monotonic() + DEADLINE
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {DEADLINE:.0f} s for {what}" + (f":\n{log.read_text()}" if log else ""))
        time.sleep(0.02)
