"""What PID 1 answers on its control socket; `control` says what can be asked."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from toque.sandbox.console import Console
from toque.sandbox.family import Family
from toque.sandbox.jobs import Output, not_found
from toque.sandbox.places import SUPERVISOR_CONFIG, SUPERVISOR_PROGRAMS, SUPERVISOR_SOCKET, TOQUE
from toque.sandbox.services import NoService, Remembered, ready, script

_JOBS = Path("/run/toque/jobs")
_SERVICES = Path("/var/lib/toque-sandbox/services.json")
_REQUEST_LIMIT = 1024 * 1024
_SUPERVISOR_WITHIN = 20.0
_SUPERVISOR_AGAIN = 0.5
_STOPPING = 5.0

_SUPERVISORD = f"""\
[unix_http_server]
file={SUPERVISOR_SOCKET}
chmod=0700

[supervisord]
nodaemon=true
user=root
logfile=/var/log/toque/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
childlogdir=/var/log/toque
pidfile=/run/toque/supervisord.pid

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{SUPERVISOR_SOCKET}

[include]
files={SUPERVISOR_PROGRAMS}/*.conf
"""


class Answers:
    """Requests under way, by connection. `ask_reboot` tells the loop to end and begin again."""

    def __init__(self, family: Family, console: Console, *, ask_reboot: Callable[[], None]) -> None:
        self._family, self._console, self._ask_reboot = family, console, ask_reboot
        self._services = Remembered(_SERVICES)
        self._received: dict[socket.socket, bytes] = {}
        self._running: dict[socket.socket, int] = {}
        self._supervisord: int | None = None
        self._supervisor_due: float | None = None
        self._waiting: list[tuple[socket.socket, float]] = []
        self._numbers = count(1)

    # -- the loop's side

    def boot(self) -> None:
        """Start again what ran before the disk was stopped."""
        if any(SUPERVISOR_PROGRAMS.glob("*.conf")):
            self._start_supervisord()
        for name in self._services.names():
            try:
                argv = ready(script(name, "start"))
            except NoService as error:
                self._console.say(str(error))
            else:
                self._family.start(argv, partial(self._booted, name))

    def _booted(self, name: str, code: int) -> None:
        self._console.say(f"service {name} started: {code}")

    def read(self, connection: socket.socket) -> bool:
        """Take what has arrived; False when this connection is over."""
        try:
            arrived = connection.recv(65536)
        except OSError:
            arrived = b""
        if not arrived:
            return False
        so_far = self._received.get(connection, b"") + arrived
        self._received[connection] = so_far
        if len(so_far) > _REQUEST_LIMIT:
            return False
        if b"\n" in so_far and connection not in self._running:
            self._received[connection] = b""
            self._answer(connection, so_far.partition(b"\n")[0])
        return True

    def forget(self, connection: socket.socket) -> None:
        """Nobody waits for this answer any longer: what was executed for it ends."""
        self._received.pop(connection, None)
        self._waiting = [each for each in self._waiting if each[0] is not connection]
        if (pid := self._running.pop(connection, None)) is not None:
            try:
                os.killpg(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        connection.close()

    def due(self) -> float:
        """The moment at which `tick` has something to look at."""
        return time.monotonic() + 0.05 if self._waiting else self._supervisor_due or float("inf")

    def tick(self) -> None:
        """Answer those who wait for supervisord, and keep it alive."""
        if self._supervisor_due is not None and time.monotonic() > self._supervisor_due:
            self._start_supervisord()
        for connection, deadline in list(self._waiting):
            if _answers(SUPERVISOR_SOCKET):
                self._reply(connection, code=0, output=str(SUPERVISOR_CONFIG))
            elif time.monotonic() > deadline:
                self._reply(
                    connection, code=1, output="supervisord does not answer; see /var/log/toque/supervisord.log"
                )
            else:
                continue
            self._waiting.remove((connection, deadline))

    def shut_down(self) -> None:
        """Stop services by their own scripts, so that databases close their files."""
        pids: set[int] = set()
        ended: set[str] = set()
        for name in reversed(self._services.names()):
            try:
                argv = script(name, "stop")
            except NoService:
                continue
            if (pid := self._family.start(argv, partial(_note_end, ended, name))) is not None:
                pids.add(pid)
        self._family.reap_until(lambda: len(ended) >= len(pids), _STOPPING)

    # -- the askers' side

    def _answer(self, connection: socket.socket, line: bytes) -> None:
        try:
            request = json.loads(line)
            op = request["op"]
            match op:
                case "ping":
                    self._reply(connection, code=0, output="")
                case "service":
                    self._service(connection, str(request["name"]), str(request["action"]))
                case "execute":
                    self._execute(connection, [str(word) for word in request["argv"]])
                case "supervisor":
                    if self._supervisord is None:
                        self._start_supervisord()
                    self._waiting.append((connection, time.monotonic() + _SUPERVISOR_WITHIN))
                case "reboot":
                    self._reply(connection, code=0, output="")
                    self._ask_reboot()
                case _:
                    self._reply(connection, code=2, output=f"PID 1 knows no {op!r}")
        except (ValueError, KeyError, TypeError, IndexError) as error:
            self._reply(connection, code=2, output=f"PID 1 cannot read this request: {error!r}")

    def _service(self, connection: socket.socket, name: str, action: str) -> None:
        try:
            argv = ready(script(name, action))
        except NoService as error:
            self._reply(connection, code=4 if action == "status" else 5, output=str(error))
            return
        output = Output.numbered(_JOBS, next(self._numbers))

        def ended(code: int) -> None:
            if code == 0:
                self._services.note(name, action)
            self._reply(connection, code=code, output=output.take()[0].decode(errors="replace"))

        if self._family.start(argv, ended, output=output, joined=True) is None:
            code, why = not_found(argv)
            self._reply(connection, code=code, output=why)

    def _execute(self, connection: socket.socket, argv: list[str]) -> None:
        output = Output.numbered(_JOBS, next(self._numbers))

        def ended(code: int) -> None:
            self._running.pop(connection, None)
            out, err = output.take()
            self._reply(connection, code=code, stdout=_text(out), stderr=_text(err))

        pid = self._family.start(argv, ended, output=output)
        if pid is not None:
            self._running[connection] = pid
        else:
            code, why = not_found(argv)
            self._reply(connection, code=code, stdout="", stderr=_text(f"{why}\n".encode()))

    def _start_supervisord(self) -> None:
        for folder in (SUPERVISOR_PROGRAMS, Path("/var/log/toque"), SUPERVISOR_SOCKET.parent):
            folder.mkdir(parents=True, exist_ok=True)
        if not SUPERVISOR_CONFIG.exists():
            SUPERVISOR_CONFIG.write_text(_SUPERVISORD)
        self._supervisor_due = None
        argv = [f"{TOQUE}/bin/supervisord", "-c", str(SUPERVISOR_CONFIG)]
        self._supervisord = self._family.start(argv, self._on_supervisord_end)

    def _on_supervisord_end(self, code: int) -> None:
        self._supervisord = None
        self._supervisor_due = time.monotonic() + _SUPERVISOR_AGAIN
        self._console.say(f"supervisord ended with {code}; it is started again")

    def _reply(self, connection: socket.socket, **answer: Any) -> None:
        try:
            connection.sendall(json.dumps(answer).encode() + b"\n")
        except OSError:
            pass  # the asker has gone; read() sees that and forgets it


def _note_end(ended: set[str], name: str, code: int) -> None:
    ended.add(name)


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True
