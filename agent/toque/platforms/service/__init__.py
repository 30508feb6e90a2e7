"""How services are looked at and commanded: one file per service manager.

the machine                         a service of a package     a service with command=
a sandbox (PID 1 is Toque's)        sysv, through PID 1        supervisor, started by PID 1
systemd is PID 1                    systemd                    systemd (a unit is written)
neither                             sysv                       supervisor
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

from toque.core import Host
from toque.platforms.service import pid1
from toque.platforms.service.definition import Definition
from toque.platforms.service.steady import NotUp
from toque.platforms.service.supervisor import Supervisor
from toque.platforms.service.systemd import Systemd
from toque.platforms.service.sysv import SysV

__all__ = ["Definition", "NotUp", "Services", "services_of"]


class Services(Protocol):
    """A service manager. What starts or restarts comes back once the service has stayed up, else raises NotUp."""

    def running(self, name: str) -> bool: ...
    def enabled(self, name: str) -> bool: ...
    def set_enabled(self, name: str, enabled: bool) -> None: ...
    def start(self, name: str) -> None: ...
    def stop(self, name: str) -> None: ...
    def restart(self, name: str) -> None: ...
    def reload(self, name: str) -> None:
        """Make it read its configuration again; a restart where it knows no other way."""

    def has_definition(self, name: str) -> bool:
        """Whether Toque wrote a definition of it."""

    def is_defined(self, name: str, definition: Definition, enabled: bool | None) -> bool:
        """Whether what Toque wrote is exactly what it would write now."""

    def define(self, name: str, definition: Definition, enabled: bool | None) -> None: ...
    def undefine(self, name: str) -> None: ...


def services_of(host: Host, name: str, *, defined: bool = False) -> Services:
    """Who keeps the service `name` on this machine; `defined` when a recipe says its command."""
    if host.entry(pid1.SOCKET) is not None:
        supervisor = Supervisor(host, wake=pid1.supervisor)
        return supervisor if defined or supervisor.has_definition(name) else SysV(host, call=pid1.service)
    systemd = Systemd(host)
    if systemd.is_here():
        return systemd
    supervisor = Supervisor(host)
    if defined or supervisor.has_definition(name):
        return supervisor
    return SysV(host, call=partial(_service, host))


def _service(host: Host, name: str, action: str) -> None:
    host.run(["service", name, action])
