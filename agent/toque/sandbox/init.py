"""PID 1 of a sandbox: it reaps, keeps the agent alive, starts services on request, and ends in an orderly way.

One thread, one loop: a signal, a request on the control socket, or a moment that has come. It lives as small as it can,
without third-party packages, because every instance has one.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from toque.sandbox.answers import Answers
from toque.sandbox.console import Console
from toque.sandbox.family import Family
from toque.sandbox.lifeline import is_held
from toque.sandbox.places import BOOT_ID, INIT_CONFIG, SOCKET, TOQUE
from toque.sandbox.restart import pause

# The agent's own word that it was shut out by an operator: starting it again changes nothing.
BANNED = 77


class Init:
    """What PID 1 knows. `config` is what the clone's maker left for it in /run/toque/init.json."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.console = Console(2)
        self.family = Family(dict(config["env"]))
        self.selector = selectors.DefaultSelector()
        self.answers = Answers(self.family, self.console, ask_reboot=lambda: self._end_with("reboot"))
        self._agent_due: float | None = 0.0 if config["agent_argv"] else None
        self._agent: int | None = None
        self._agent_started = 0.0
        self._agent_pause = 0.0
        self._held_at = time.monotonic()
        self._ending = ""

    def run(self) -> str:
        """Live until asked to end; returns why: "stopped", "orphaned" or "reboot"."""
        self._listen()
        self.answers.boot()
        self._start_agent_when_due()
        self._report_ready()
        while not self._ending:
            self._wait()
            self.family.reap()
            self._start_agent_when_due()
            self.answers.tick()
            self._feel_the_lifeline()
            self.console.keep_short()
        return self._ending

    def _listen(self) -> None:
        wakes, wake = socket.socketpair()
        wakes.setblocking(False)
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGPWR):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)
        self._wake = wake
        self.selector.register(wakes, selectors.EVENT_READ, lambda: wakes.recv(4096))
        SOCKET.unlink(missing_ok=True)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(str(SOCKET))
        SOCKET.chmod(0o600)
        listening.listen(64)
        self.selector.register(listening, selectors.EVENT_READ, lambda: self._accept(listening))

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._end_with("reboot" if number == signal.SIGINT else "stopped")

    def _end_with(self, why: str) -> None:
        self._ending = self._ending or why

    def _accept(self, listening: socket.socket) -> None:
        connection, _ = listening.accept()
        connection.settimeout(5)
        self.selector.register(connection, selectors.EVENT_READ, lambda: self._on_data(connection))

    def _on_data(self, connection: socket.socket) -> None:
        """A request, or the end of a connection whose answer nobody waits for any longer."""
        if not self.answers.read(connection):
            self.selector.unregister(connection)
            self.answers.forget(connection)

    def _wait(self) -> None:
        moments = [time.monotonic() + self._pace(), self.answers.due()]
        if self._agent_due is not None:
            moments.append(self._agent_due)
        for key, _ in self.selector.select(max(0.0, min(moments) - time.monotonic())):
            key.data()

    def _pace(self) -> float:
        return min(1.0, float(self.config["orphan_after"]) / 4) if self.config["lifeline_fd"] is not None else 5.0

    def _start_agent_when_due(self) -> None:
        if self._agent_due is None or time.monotonic() < self._agent_due:
            return
        self._agent_due = None
        self._agent_started = time.monotonic()
        self._agent = self.family.start(self.config["agent_argv"], self._on_agent_end)
        if self._agent is None:
            self.console.say(f"cannot run the agent: {self.config['agent_argv'][0]} is not there")
            self._start_agent_later()

    def _on_agent_end(self, code: int) -> None:
        self._agent = None
        if code == BANNED:
            self.console.say("the agent was shut out by an operator; it is not started again")
            return
        self._start_agent_later()
        self.console.say(f"the agent ended with {code}; it is started again in {self._agent_pause:g} s")

    def _start_agent_later(self) -> None:
        now = time.monotonic()
        self._agent_pause = pause(now - self._agent_started, self._agent_pause)
        self._agent_due = now + self._agent_pause

    def _report_ready(self) -> None:
        if (descriptor := self.config.pop("status_fd", None)) is not None:
            with suppress(BrokenPipeError):  # who asked for us may have been killed since
                os.write(descriptor, b'{"ready": true}\n')
            os.close(descriptor)
            # A reboot reads the configuration again and must not write to what is closed by then.
            _save(self.config)

    def end(self) -> None:
        """The agent first, so that nobody reports on services that are going; then services, then everybody else."""
        if self._agent is not None:
            os.kill(self._agent, signal.SIGTERM)
        self.answers.shut_down()
        self.family.end_everything()

    def _feel_the_lifeline(self) -> None:
        descriptor = self.config["lifeline_fd"]
        now = time.monotonic()
        if descriptor is None or is_held(descriptor):
            self._held_at = now
        elif now - self._held_at > float(self.config["orphan_after"]):
            self.console.say("nobody holds the lifeline any more")
            self._end_with("orphaned")


def main() -> None:
    config: dict[str, Any] = json.loads(Path(INIT_CONFIG).read_text())
    _hand_on(config, inheritable=False)
    init = Init(config)
    init.console.say(f"{config['hostname']} starts")
    why = init.run()
    init.console.say(f"{config['hostname']} ends: {why}")
    signal.set_wakeup_fd(-1)
    init.end()
    if why == "reboot":
        _forget_memory()
        _save(config)
        _hand_on(config, inheritable=True)
        os.execv(f"{TOQUE}/bin/toque-init", sys.argv)
    # Only now: a sandbox that ends without this line has failed.
    os.write(config["ended_fd"], f"{why}\n".encode())


def _hand_on(config: dict[str, Any], *, inheritable: bool) -> None:
    """Our descriptors of the host go to the PID 1 of the next boot, and to nobody else."""
    for key in ("status_fd", "ended_fd", "lifeline_fd", "disk_fd"):
        if config.get(key) is not None:
            os.set_inheritable(config[key], inheritable)


def _save(config: dict[str, Any]) -> None:
    path = Path(INIT_CONFIG)
    path.parent.mkdir(mode=0o755, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(config))


def _forget_memory() -> None:
    """What is in memory does not outlive a reboot."""
    for folder in (Path("/tmp"), Path("/run")):
        for path in sorted(folder.rglob("*"), key=lambda each: len(each.parts), reverse=True):
            if path.is_dir() and not path.is_symlink():
                if path != BOOT_ID.parent:
                    path.rmdir()
            elif path != BOOT_ID:
                path.unlink()
    Path("/run/lock").mkdir()
    Path("/run/lock").chmod(0o1777)
    # In place: /proc shows this very file.
    BOOT_ID.write_text(Path("/proc/sys/kernel/random/uuid").read_text())
