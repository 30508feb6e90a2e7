"""Long-running processes where there is no init system: supervisord keeps them."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass

from toque.core import Host, ToqueError
from toque.core.files import HEAD
from toque.platforms.service.definition import FILES, Definition, Text, are_written, remove, write
from toque.platforms.service.masking import Unmaskable
from toque.platforms.service.steady import NotUp, tail
from toque.platforms.service.supervisor_rpc import Supervisord

_LOOKS = 150  # of 0.1 s: it must be up within 15 s
_TRYING = {"STARTING", "STOPPING"}


@dataclass(frozen=True)
class Places:
    """Where supervisord and its programs are kept; the same as in a sandbox, where PID 1 starts it."""

    config: str = "/etc/toque/supervisord.conf"
    programs: str = "/etc/toque/supervisor.d"
    launchers: str = FILES
    socket: str = "/run/toque/supervisor.sock"
    logs: str = "/var/log/toque"


class NoSupervisor(ToqueError):
    def __init__(self) -> None:
        super().__init__(
            "no init system runs on this machine, and there is no supervisord to keep a service with command=: "
            "`pip install 'toque[sandbox]'`, or install the package supervisor"
        )


class Supervisor(Unmaskable):
    """`wake` sees to it that supervisord runs; without one it is started from here, as a daemon."""

    def __init__(
        self,
        host: Host,
        wake: Callable[[], None] | None = None,
        places: Places = Places(),
        timeout: float | None = None,
    ) -> None:
        self._host, self._places = host, places
        self._looks = _LOOKS if timeout is None else max(1, round(timeout / 0.1))
        self._wake = wake or self._start_daemon
        self._rpc = Supervisord(places.socket)

    def running(self, name: str) -> bool:
        return self._rpc.state(name) == "RUNNING"

    def enabled(self, name: str) -> bool:
        return b"\nautostart=true\n" in (self._host.read(self._program(name)) or b"")

    def set_enabled(self, name: str, enabled: bool) -> None:
        was, will = (f"autostart={str(value).lower()}" for value in (not enabled, enabled))
        text = (self._host.read(self._program(name)) or b"").decode().replace(f"\n{was}\n", f"\n{will}\n")
        write(self._host, {self._program(name): Text(text, 0o600)})

    def start(self, name: str) -> None:
        is_fresh, state = self._ready(name), self._rpc.state(name)
        if state == "STARTING" and not is_fresh:
            # It came up again by itself a moment ago, perhaps before the files it reads were changed.
            self._rpc.stop(name)
            state = "STOPPED"
        if state not in ("RUNNING", "STARTING"):
            self._rpc.start(name)
        self._await_up(name)

    def restart(self, name: str) -> None:
        self._ready(name)
        self._rpc.stop(name)
        self._rpc.start(name)
        self._await_up(name)

    def reload(self, name: str) -> None:
        text = (self._host.read(self._program(name)) or b"").decode()
        signal = next((line[10:] for line in text.splitlines() if line.startswith("; reload: ")), "")
        if not signal or not self.running(name):
            self.restart(name)
            return
        self._rpc.signal(name, signal)
        self._await_up(name)

    def stop(self, name: str) -> None:
        self._rpc.stop(name)

    def has_definition(self, name: str) -> bool:
        return self._host.entry(self._program(name)) is not None

    def is_defined(self, name: str, definition: Definition, enabled: bool | None) -> bool:
        return are_written(self._host, self._files(name, definition, enabled))

    def define(self, name: str, definition: Definition, enabled: bool | None) -> None:
        write(self._host, self._files(name, definition, enabled))

    def undefine(self, name: str) -> None:
        remove(self._host, [self._program(name), f"{self._places.launchers}/{name}.run"])
        if self._rpc.answers():
            self._rpc.update(name)

    def _ready(self, name: str) -> bool:
        """supervisord runs, and has read what is on disk; says whether it has begun anew with this program."""
        if not self._rpc.answers():
            self._wake()
        for _ in range(_LOOKS):
            if self._rpc.answers():
                break
            self._host.run(["sleep", "0.1"])
        return self._rpc.update(name)

    def _await_up(self, name: str) -> None:
        """Up means that it has lived for the second that `startsecs` asks for."""
        for _ in range(self._looks):
            state = self._rpc.state(name)
            if state == "RUNNING":
                return
            if state not in _TRYING:
                break
            self._host.run(["sleep", "0.1"])
        raise NotUp(name, tail(self._host, [self._log(name)]), self._rpc.complaint(name))

    def _start_daemon(self) -> None:
        argv = self._daemon()
        write(self._host, {self._places.config: Text(_config(self._places))})
        for folder in (self._places.programs, self._places.logs, self._places.socket.rpartition("/")[0]):
            if self._host.entry(folder) is None:
                self._host.make_directory(folder, mode=0o755, parents=True)
        self._host.run([*argv, "-c", self._places.config])

    def _daemon(self) -> list[str]:
        from importlib.util import find_spec

        if find_spec("supervisor") is not None:
            return [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord"]
        found = self._host.which("supervisord")
        if found is None:
            raise NoSupervisor
        return [found]

    def _program(self, name: str) -> str:
        return f"{self._places.programs}/{name}.conf"

    def _log(self, name: str) -> str:
        return f"{self._places.logs}/service-{name}.log"

    def _files(self, name: str, definition: Definition, enabled: bool | None) -> dict[str, Text]:
        launcher = f"{self._places.launchers}/{name}.run"
        if enabled is None:  # not managed: as it is, and for a new one as supervisor does it
            enabled = self.enabled(name) or not self.has_definition(name)
        script = _launcher(definition)
        lines = [
            f"; {HEAD}",
            *([f"; reload: {definition.reload_signal}"] if definition.reload_signal else []),
            f"[program:{name}]",
            f"command=/bin/sh {launcher}",
            f"autostart={str(enabled).lower()}",
            "autorestart=true",
            "startsecs=1",
            "startretries=10",
            "stopasgroup=true",
            "killasgroup=true",
            "redirect_stderr=true",
            f"stdout_logfile={self._log(name)}",
            "stdout_logfile_maxbytes=10MB",
            "stdout_logfile_backups=2",
            # supervisord restarts a program when its stanza changes; what the launcher does is not in it otherwise.
            f"environment=TOQUE_LAUNCHER={_digest(script)}",
            "",
        ]
        return {launcher: Text(script, 0o600), self._program(name): Text("\n".join(lines), 0o600)}


def _launcher(definition: Definition) -> str:
    """A script for root that becomes the program: any value can be quoted, and no secret is in a command line."""
    quoted = shlex.quote
    lines = ["#!/bin/sh", f"# {HEAD}", "unset TOQUE_LAUNCHER"]
    become = ""
    if definition.user is not None:
        user = quoted(definition.user)
        lines.append(f'export USER={user} LOGNAME={user} HOME="$(getent passwd {user} | cut -d: -f6)"')
        become = f'setpriv --reuid {user} --regid "$(id -g {user})" --init-groups -- '
    lines += [f"export {key}={quoted(value)}" for key, value in sorted(definition.environment.items())]
    if definition.directory is not None:
        lines.append(f"cd {quoted(definition.directory)} || exit 1")
    lines += [f"exec {become}{' '.join(map(quoted, definition.command))}", ""]
    return "\n".join(lines)


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _config(places: Places) -> str:
    return f"""\
; {HEAD}
[unix_http_server]
file={places.socket}
chmod=0700

[supervisord]
logfile={places.logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
childlogdir={places.logs}
pidfile={places.socket.removesuffix(".sock")}.pid

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{places.socket}

[include]
files={places.programs}/*.conf
"""
