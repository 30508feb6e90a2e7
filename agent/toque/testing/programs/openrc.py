"""OpenRC of the fake machine: services are scripts, and runlevels are folders with links to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost, Node

SCRIPT = b'#!/sbin/openrc-run\nextra_started_commands="reload"\n'


@dataclass
class OpenRC:
    """`running` are the names of what runs; what is `broken` ends as soon as it was started."""

    running: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["rc-service", "--", name, "status"]:
                return Ran(code=0 if name in self.running else 3)
            case ["tail", "-n", _, "--", path]:
                return Ran(out=(host.read(path) or b"").decode())
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["rc-service", name, "start" | "restart"]:
                self.running = {*self.running, name} - self.broken
            case ["rc-service", name, "reload"]:
                return Ran(code=0 if name in self.running else 1)
            case ["rc-service", name, "stop"]:
                self.running.discard(name)
            case ["rc-update", "add", name, level]:
                host.add(f"/etc/runlevels/{level}/{name}", Node("link", to=f"/etc/init.d/{name}"))
            case ["rc-update", "del", name, level]:
                del host.nodes[f"/etc/runlevels/{level}/{name}"]
            case _:
                return None
        return Ran()


def with_openrc(*names: str, script: bytes = SCRIPT, enabled: bool = False, **what: set[str]) -> FakeHost:
    """A machine that OpenRC booted: `with_openrc("nginx", running={"nginx"})`."""
    files: dict[str, bytes | str | Node] = {f"/etc/init.d/{name}": Node(content=script, mode=0o755) for name in names}
    if enabled:
        files |= {f"/etc/runlevels/default/{name}": Node("link", to=f"/etc/init.d/{name}") for name in names}
    return FakeHost(files={**files, "/run/openrc/softlevel": "default\n"}, programs=[OpenRC(**what)])
