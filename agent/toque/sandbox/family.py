"""All processes in a sandbox, as PID 1 sees them: its own children by name, everybody else by being reaped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence

from toque.sandbox.jobs import Output, exit_code, spawn

_ASKED = 3.0
_KILLED = 5.0


class Family:
    """PID 1's children. `env` is what each of them finds in its environment."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self._ends: dict[int, Callable[[int], None]] = {}

    def start(
        self,
        argv: Sequence[str],
        ended: Callable[[int], None],
        *,
        output: Output | None = None,
        joined: bool = False,
    ) -> int | None:
        """Start a child; `ended` is told its exit code when it is reaped. None: there is no such program."""
        pid = spawn(argv, self.env) if output is None else output.spawn(argv, self.env, joined=joined)
        if pid is not None:
            self._ends[pid] = ended
        return pid

    def reap(self) -> bool:
        """Collect everyone who has ended, strangers included; False when there is nobody left at all."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if (ended := self._ends.pop(pid, None)) is not None:
                ended(exit_code(status))

    def reap_until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Reap until `done`, or nobody is left, or the time is over; says whether it was done."""
        deadline = time.monotonic() + seconds
        while not done() and time.monotonic() < deadline:
            if not self.reap():
                break
            time.sleep(0.005)
        return done()

    def end_everything(self) -> None:
        """Ask every process to end, then make it. What is killed here is killed by name of everybody but us."""
        self._ends.clear()
        for number, seconds in ((signal.SIGTERM, _ASKED), (signal.SIGKILL, _KILLED)):
            try:
                os.kill(-1, number)
            except ProcessLookupError:
                return
            if not self._anyone_left(seconds):
                return

    def _anyone_left(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.reap():
            if time.monotonic() > deadline:
                return True
            time.sleep(0.005)
        return False
