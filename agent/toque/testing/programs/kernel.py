"""What the kernel of the fake machine is told: its name, its switches and its modules."""

from __future__ import annotations

from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost

_NAME = "/proc/sys/kernel/hostname"


@dataclass
class Kernel:
    """`switches` maps keys (`net.ipv4.ip_forward`) to values; `modules` are those that can be loaded.

    A switch in `locked` refuses every value. Modules that are there already are folders of /sys/module; one with a file
    `initstate` was loaded, one without is built in.
    """

    locked: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["hostname", "--", name]:
                host.add(_NAME, f"{name}\n")
            case ["hostnamectl", "set-hostname", "--", name]:
                host.add(_NAME, f"{name}\n")
                host.add("/etc/hostname", f"{name}\n")
            case ["sysctl", "--quiet", "--write", setting]:
                key, _, value = setting.partition("=")
                if key in self.locked:
                    return Ran(255, err=f'sysctl: setting key "{key}": Invalid argument')
                place = key if "/" in key else key.replace(".", "/")
                host.add(f"/proc/sys/{place}", f"{value.replace(' ', chr(9))}\n")
            case ["modprobe", "--", name]:
                if name not in self.modules:
                    return Ran(1, err=f"modprobe: FATAL: Module {name} not found in directory /lib/modules/6.1.0")
                host.add(f"/sys/module/{name.replace('-', '_')}/initstate", "live\n")
            case ["modprobe", "--remove", "--", name]:
                folder = f"/sys/module/{name.replace('-', '_')}"
                if f"{folder}/initstate" not in host.nodes:
                    return Ran(1, err=f"modprobe: FATAL: Module {name} is builtin.")
                for path in [path for path in host.nodes if path == folder or path.startswith(f"{folder}/")]:
                    del host.nodes[path]
            case _:
                return None
        return Ran()


def with_kernel(
    files: dict[str, str] | None = None,
    *,
    name: str = "debian",
    switches: dict[str, str] | None = None,
    systemd: bool = False,
    locked: set[str] | None = None,
    modules: set[str] | None = None,
) -> FakeHost:
    """A machine with a name and switches: `with_kernel(name="web1", switches={"vm.swappiness": "60"})`."""
    host = FakeHost(files=dict(files or {}), programs=[Kernel(locked or set(), modules or set())])
    host.add(_NAME, f"{name}\n")
    for key, value in (switches or {}).items():
        host.add(f"/proc/sys/{key if '/' in key else key.replace('.', '/')}", f"{value}\n")
    if systemd:
        host.add("/run/systemd/system/x", "")
    return host
