"""hostname: what the machine calls itself, now and after a boot."""

from __future__ import annotations

import re
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.hosts_file import Line, check_address, check_host_name, entry_of, hosts_text, with_entry, write_hosts

_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_RUNNING = "/proc/sys/kernel/hostname"
_SAVED = "/etc/hostname"


@dataclass(frozen=True)
class HostnameState:
    running: str | None
    """What the kernel says."""
    saved: str | None
    """What it will be after a boot."""
    hosts: tuple[str, ...] | None = None
    """The names that lead its line in /etc/hosts."""


@resource("hostname")
@dataclass(frozen=True)
class Hostname(Resource[HostnameState]):
    """Keep the machine's name, at once and after a boot, and the line of /etc/hosts by which it knows itself.

    name   letters, digits and hyphens, at most 63; no dots
    fqdn   the name with its domain, what `hostname --fqdn` answers; must begin with the name and a dot
    ip     the address of the line in /etc/hosts
    hosts  False leaves /etc/hosts alone

    Where systemd runs, hostnamectl sets it; else the program hostname and the file /etc/hostname. Programs that have
    asked for the name before keep the old one until they ask again.

        hostname("web1", fqdn="web1.example.org")
    """

    name: str
    _: KW_ONLY
    fqdn: str | None = None
    ip: str = "127.0.1.1"
    hosts: bool = True

    def __post_init__(self) -> None:
        if not _LABEL.fullmatch(self.name):
            raise BadProperty(
                "hostname must be 1 to 63 letters, digits and hyphens, without a hyphen at either end "
                f"(the domain goes into fqdn), got {self.name!r}"
            )
        check_address("hostname ip", self.ip)
        if self.fqdn is None:
            return
        check_host_name("hostname fqdn", self.fqdn)
        if not self.hosts:
            raise BadProperty("hostname fqdn is kept in /etc/hosts: leave out hosts=False")
        if not self.fqdn.startswith(f"{self.name}.") or not all(map(_LABEL.fullmatch, self.fqdn.split("."))):
            raise BadProperty(f"hostname fqdn must be {self.name}. and a domain, got {self.fqdn!r}")

    def desired(self) -> HostnameState:
        return HostnameState(self.name, self.name, self._names() if self.hosts else None)

    def current(self, host: Host) -> HostnameState:
        line = entry_of(hosts_text(host), self.ip)
        names = line.names if line is not None else ()
        if names[: len(self._names())] == self._names():
            names = self._names()
        return HostnameState(_first_line(host, _RUNNING), _first_line(host, _SAVED), names)

    def apply(self, host: Host, change: Change[HostnameState]) -> None:
        if "running" in change or "saved" in change:
            if host.entry("/run/systemd/system") is not None:
                host.run(["hostnamectl", "set-hostname", "--", self.name])
            else:
                host.write(_SAVED, f"{self.name}\n".encode())
                host.run(["hostname", "--", self.name])
        if "hosts" in change:
            text = hosts_text(host)
            was = entry_of(text, self.ip)
            line = Line(self.ip, self._names(), was.comment if was is not None else "")
            write_hosts(host, with_entry(text, line, exclusive=False))

    def _names(self) -> tuple[str, ...]:
        return (self.name,) if self.fqdn is None else (self.fqdn, self.name)


def _first_line(host: Host, path: str) -> str:
    lines = (host.read(path) or b"").decode(errors="replace").split()
    return lines[0] if lines else ""


hostname = recipe_word(Hostname)
