"""Services where OpenRC is what runs."""

from __future__ import annotations

import re

from toque.core import ToqueError
from toque.platforms.service.scripts import Scripts, script_of

BOOTED = "/run/openrc/softlevel"
"""Written by OpenRC when it boots the machine; without it, it refuses to start anything."""

PROGRAM = "/sbin/rc-service"
_RUNLEVEL = "default"
_LEVELS = "/etc/runlevels"
_RELOADS = re.compile(rb"""^\s*extra_started_commands=["'][^"']*\breload\b""", re.MULTILINE)


class NoService(ToqueError):
    def __init__(self, name: str) -> None:
        super().__init__(f"OpenRC has no service {name}: there is no /etc/init.d/{name}; install its package first")


class OpenRC(Scripts):
    """Scripts as OpenRC has them, run by `rc-service`; in a sandbox by PID 1."""

    missing = NoService

    def running(self, name: str) -> bool:
        if self._host.entry(script_of(name)) is None:
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

    def reload(self, name: str) -> None:
        knows = _RELOADS.search(self._host.read(script_of(name)) or b"")
        self._up(name, "reload" if knows and self.running(name) else "restart")

    def _levels(self, name: str) -> list[str]:
        return [each for each in self._host.names_in(_LEVELS) if self._host.entry(f"{_LEVELS}/{each}/{name}")]
