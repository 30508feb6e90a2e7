"""Init scripts of the fake machine, with what they start."""

from __future__ import annotations

from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost, Node

SCRIPT = b"#!/bin/sh\ncase $1 in start|stop|restart|reload|status) ;; esac\n"


@dataclass
class Scripts:
    """`running` are the names of what runs; what is `broken` ends as soon as it was started."""

    running: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["service", name, "status"]:
                return Ran(code=0 if name in self.running else 3)
            case ["tail", "-n", _, "--", path]:
                return Ran(out=(host.read(path) or b"").decode())
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["service", name, "start" | "restart" | "reload" | "force-reload"]:
                self.running = {*self.running, name} - self.broken
            case ["service", name, "stop"]:
                self.running.discard(name)
            case ["update-rc.d", name, "defaults"]:
                host.add(f"/etc/rc2.d/S01{name}", Node("link", to=f"../init.d/{name}"))
            case ["update-rc.d", name, ("enable" | "disable") as verb]:
                link = "/etc/rc2.d/{}01" + name
                before, after = ("K", "S") if verb == "enable" else ("S", "K")
                host.nodes[link.format(after)] = host.nodes.pop(link.format(before))
            case _:
                return None
        return Ran()


def with_scripts(*names: str, script: bytes = SCRIPT, enabled: bool = False, **what: set[str]) -> FakeHost:
    """A machine without systemd: `with_scripts("nginx", running={"nginx"})`."""
    files: dict[str, bytes | str | Node] = {f"/etc/init.d/{name}": Node(content=script, mode=0o755) for name in names}
    if enabled:
        files |= {f"/etc/rc2.d/S01{name}": Node("link", to=f"../init.d/{name}") for name in names}
    return FakeHost(files=files, programs=[Scripts(**what)])
