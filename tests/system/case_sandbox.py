"""Sandboxes for tests: made in a temporary directory, and always removed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from toque import sandbox
from toque.sandbox import Spec
from toque.sandbox.processes import Process


def wait_for(what: str, holds: Callable[[], bool], *, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for: {what}"
        time.sleep(0.02)


@dataclass
class Box:
    """One sandbox under test."""

    spec: Spec
    pid: int = 0

    def start(self, **changes: Any) -> Box:
        self.spec = replace(self.spec, **changes)
        self.pid = sandbox.start(self.spec)
        return self

    def execute(self, argv: Sequence[str]) -> CompletedProcess[bytes]:
        """Run a program inside, however it ends."""
        return sandbox.execute(self.spec.directory, argv)

    def run(self, *argv: str) -> str:
        """Run a program inside; its output. Fails the test with what it said when it fails."""
        done = self.execute(argv)
        assert done.returncode == 0, f"{argv} gave {done.returncode}: {done.stdout.decode()}{done.stderr.decode()}"
        return done.stdout.decode().strip()

    def shell(self, script: str) -> str:
        return self.run("sh", "-c", script)

    @property
    def state(self) -> str:
        return sandbox.state(self.spec.directory)

    def namespace(self) -> str:
        """The name of its PID namespace, by which its processes are known."""
        return str(Path(f"/proc/{self.pid}/ns/pid_for_children").readlink())


def processes_in(namespace: str) -> list[int]:
    """Pids, as the host sees them, of everything that lives in a PID namespace."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            if str((path / "ns/pid").readlink()) == namespace and Process.of(int(path.name)):
                found.append(int(path.name))
    return found


@contextmanager
def a_box(data: Path, name: str = "box") -> Iterator[Box]:
    """A sandbox that has not been started yet, and that is gone afterwards, whatever happens."""
    spec = Spec(name=name, directory=data / name, hostname="web1", address="127.80.3.7", hide=(data,))
    try:
        yield Box(spec)
    finally:
        sandbox.remove(spec.directory)
        shutil.rmtree(data / "toolchain", ignore_errors=True)
