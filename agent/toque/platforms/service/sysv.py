"""Services that are scripts in /etc/init.d."""

from __future__ import annotations

import re
from collections.abc import Callable

from toque.core import Host, ToqueError
from toque.platforms.service.definition import Definition
from toque.platforms.service.masking import Unmaskable
from toque.platforms.service.steady import NotUp, stays_up, tail

_MULTI_USER = ("/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d")


class NoScript(ToqueError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is no service {name} on this machine: no /etc/init.d/{name}, and systemd does not run here; "
            f"install its package first, or say its command=[...]"
        )


class SysV(Unmaskable):
    """`call(name, action)` runs a script's action; another process may do it, and the service is then its child."""

    def __init__(self, host: Host, call: Callable[[str, str], object], timeout: float | None = None) -> None:
        self._host, self._call, self._timeout = host, call, timeout

    def running(self, name: str) -> bool:
        if self._host.entry(_script(name)) is None:
            return False
        # LSB: 0 runs; 1 to 3 does not; 4 and more: nobody knows.
        return self._host.run(["service", name, "status"], ok=range(256)).code == 0

    def enabled(self, name: str) -> bool:
        return any(link[0] == "S" for link in self._links(name))

    def set_enabled(self, name: str, enabled: bool) -> None:
        self._needs_script(name)
        if not self._links(name):
            self._host.run(["update-rc.d", name, "defaults"])
        if self.enabled(name) != enabled:
            self._host.run(["update-rc.d", name, "enable" if enabled else "disable"])

    def start(self, name: str) -> None:
        self._up(name, "start")

    def restart(self, name: str) -> None:
        self._up(name, "restart")

    def reload(self, name: str) -> None:
        self._up(name, self._reloading(name))

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

    def _reloading(self, name: str) -> str:
        """The gentlest action the script has. A failed reload must not become a restart, which ends the service."""
        script = self._host.read(_script(name)) or b""
        if re.search(rb"(?<![-\w])reload\s*[|)]", script):
            return "reload"
        return "force-reload" if b"force-reload" in script or b"init-d-script" in script else "restart"

    def _links(self, name: str) -> list[str]:
        wanted = re.compile(rf"[SK]\d\d{re.escape(name)}")
        return [link for folder in _MULTI_USER for link in self._host.names_in(folder) if wanted.fullmatch(link)]

    def _needs_script(self, name: str) -> None:
        if self._host.entry(_script(name)) is None:
            raise NoScript(name)


def _script(name: str) -> str:
    return f"/etc/init.d/{name}"


def logs_of(host: Host, name: str) -> list[str]:
    """Where a service that is a script usually writes, most telling first."""
    folder = f"/var/log/{name}"
    names = [each for each in host.names_in(folder) if each.endswith((".log", ".err"))]
    return [f"/var/log/{name}.log", *(f"{folder}/{each}" for each in sorted(names, key=lambda each: "err" not in each))]
