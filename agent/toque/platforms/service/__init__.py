"""How services are looked at and commanded: one file per service manager.

the machine                         a service of a package          a service with command=
a sandbox (PID 1 is Toque's)        openrc or sysv, through PID 1   supervisor, started by PID 1
a clone that records its services   systemd                         systemd (a unit is written)
systemd is PID 1                    systemd                         systemd (a unit is written)
OpenRC booted it                    openrc                          supervisor
none of these                       sysv                            supervisor
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, Protocol

from toque.core import Host
from toque.platforms.service import pid1
from toque.platforms.service.definition import Definition, arguments, check_definition
from toque.platforms.service.openrc import BOOTED, PROGRAM, OpenRC
from toque.platforms.service.steady import NotUp
from toque.platforms.service.supervisor import Supervisor
from toque.platforms.service.systemd import Systemd
from toque.platforms.service.sysv import SysV

__all__ = ["RECORDED", "Definition", "NotUp", "Provider", "Services", "arguments", "check_definition", "services_of"]

RECORDED = "/run/toque/services.json"
"""Stands where a plan on a clone has put a `systemctl` that records; see `toque.preview.systemctl`."""

Provider = Literal["systemd", "openrc", "sysv", "supervisor"]


class Services(Protocol):
    """A service manager. What starts or restarts comes back once the service has stayed up, else raises NotUp."""

    def running(self, name: str) -> bool: ...
    def enabled(self, name: str) -> bool: ...
    def set_enabled(self, name: str, enabled: bool) -> None: ...
    def masked(self, name: str) -> bool: ...
    def set_masked(self, name: str, masked: bool) -> None: ...
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


def services_of(
    host: Host, name: str, *, defined: bool = False, provider: Provider | None = None, timeout: float | None = None
) -> Services:
    """Who keeps the service `name` on this machine; `defined` when a recipe says its command.

    `provider` is a recipe's own choice. `timeout`: seconds that a start, stop or restart may take.
    """
    in_sandbox = host.entry(pid1.SOCKET) is not None
    supervisor = Supervisor(host, wake=pid1.supervisor if in_sandbox else None, timeout=timeout)
    systemd = Systemd(host, timeout)
    scripts = _scripts(host, pid1.service if in_sandbox else None, timeout, provider)
    match provider:
        case "systemd":
            return systemd
        case "supervisor":
            return supervisor
        case "openrc" | "sysv":
            return scripts
    if systemd.is_here() and (not in_sandbox or host.entry(RECORDED) is not None):
        return systemd
    return supervisor if defined or supervisor.has_definition(name) else scripts


def _scripts(
    host: Host, pid_1: Callable[[str, str], object] | None, timeout: float | None, provider: Provider | None
) -> Services:
    """OpenRC where it is what runs, and in a sandbox where it is installed, as PID 1 has it; else SysV."""
    is_openrc = host.entry(BOOTED if pid_1 is None else PROGRAM) is not None
    if provider == "openrc" or (is_openrc and provider != "sysv"):
        return OpenRC(host, pid_1 or partial(_run, host, "rc-service", timeout), timeout)
    return SysV(host, pid_1 or partial(_run, host, "service", timeout), timeout)


def _run(host: Host, program: str, timeout: float | None, name: str, action: str) -> None:
    host.run([program, name, action], timeout=timeout)
