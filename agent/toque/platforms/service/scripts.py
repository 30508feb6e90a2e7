"""What SysV and OpenRC have in common: a service is a script in /etc/init.d, and Toque writes none."""

from __future__ import annotations

from collections.abc import Callable

from toque.core import Host
from toque.platforms.service.definition import Definition
from toque.platforms.service.masking import Unmaskable
from toque.platforms.service.steady import NotUp, stays_up, tail


class Scripts(Unmaskable):
    """`call(name, action)` runs a script's action; another process may do it, and the service is then its child."""

    missing: Callable[[str], Exception]
    """What is raised, with its name, where a service has no script."""

    def __init__(self, host: Host, call: Callable[[str, str], object], timeout: float | None = None) -> None:
        self._host, self._call, self._timeout = host, call, timeout

    def running(self, name: str) -> bool:
        raise NotImplementedError

    def start(self, name: str) -> None:
        self._up(name, "start")

    def restart(self, name: str) -> None:
        self._up(name, "restart")

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
            raise NotUp(name, tail(self._host, _logs_of(self._host, name)))

    def _needs_script(self, name: str) -> None:
        if self._host.entry(script_of(name)) is None:
            raise type(self).missing(name)


def script_of(name: str) -> str:
    """Where the script of a service is."""
    return f"/etc/init.d/{name}"


def _logs_of(host: Host, name: str) -> list[str]:
    """Where a service that is a script usually writes, most telling first."""
    folder = f"/var/log/{name}"
    names = [each for each in host.names_in(folder) if each.endswith((".log", ".err"))]
    return [f"/var/log/{name}.log", *(f"{folder}/{each}" for each in sorted(names, key=lambda each: "err" not in each))]
