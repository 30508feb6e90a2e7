"""Services where OpenRC is what runs."""

from __future__ import annotations

import re
from collections.abc import Callable

from toque.core import Host, ToqueError
from toque.platforms.service.definition import Definition
from toque.platforms.service.masking import Unmaskable
from toque.platforms.service.steady import NotUp, stays_up, tail
from toque.platforms.service.sysv import logs_of

BOOTED = "/run/openrc/softlevel"
"""Written by OpenRC when it boots the machine; without it, it refuses to start anything."""

PROGRAM = "/sbin/rc-service"
_RUNLEVEL = "default"
_LEVELS = "/etc/runlevels"
_RELOADS = re.compile(rb"""^\s*extra_started_commands=["'][^"']*\breload\b""", re.MULTILINE)


class NoService(ToqueError):
    def __init__(self, name: str) -> None:
        super().__init__(f"OpenRC has no service {name}: there is no /etc/init.d/{name}; install its package first")


class OpenRC(Unmaskable):
    """`call(name, action)` runs an action by rc-service; in a sandbox PID 1 does, and the service is its child."""

    def __init__(self, host: Host, call: Callable[[str, str], object], timeout: float | None = None) -> None:
        self._host, self._call, self._timeout = host, call, timeout

    def running(self, name: str) -> bool:
        if self._host.entry(_script(name)) is None:
            return False
        # 0: started; 3: stopped, 32: crashed, and others while it is on its way.
        return self._host.run(["rc-service", "--", name, "status"], ok=range(256)).code == 0

    def enabled(self, name: str) -> bool:
        return bool(self._levels(name))

    def set_enabled(self, name: str, enabled: bool) -> None:
        self._needs_script(name)
        if enabled:
            self._host.run(["rc-update", "add", name, _RUNLEVEL])
            return
        for level in self._levels(name):
            self._host.run(["rc-update", "del", name, level])

    def start(self, name: str) -> None:
        self._up(name, "start")

    def restart(self, name: str) -> None:
        self._up(name, "restart")

    def reload(self, name: str) -> None:
        knows = _RELOADS.search(self._host.read(_script(name)) or b"")
        self._up(name, "reload" if knows and self.running(name) else "restart")

    def stop(self, name: str) -> None:
        self._needs_script(name)
        self._call(name, "stop")

    def has_definition(self, name: str) -> bool:
        return False

    def is_defined(self, name: str, definition: Definition, enabled: bool | None) -> bool:
        return False

    def define(self, name: str, definition: Definition, enabled: bool | None) -> None:
        raise AssertionError("a service with a command belongs to systemd or supervisor")

    def undefine(self, name: str) -> None:
        """There is nothing that Toque wrote."""

    def _up(self, name: str, action: str) -> None:
        self._needs_script(name)
        self._call(name, action)
        if not stays_up(self._host, lambda: self.running(name), seconds=self._timeout):
            raise NotUp(name, tail(self._host, logs_of(self._host, name)))

    def _levels(self, name: str) -> list[str]:
        return [each for each in self._host.names_in(_LEVELS) if self._host.entry(f"{_LEVELS}/{each}/{name}")]

    def _needs_script(self, name: str) -> None:
        if self._host.entry(_script(name)) is None:
            raise NoService(name)


def _script(name: str) -> str:
    return f"/etc/init.d/{name}"
