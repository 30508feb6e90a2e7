"""ssh-keyscan of the fake machine: what other machines show to whoever asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost


@dataclass
class Machines:
    """`shown` are the public keys by `host:port`."""

    shown: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["ssh-keyscan", "-T", _, "-p", port, "--", name]:
                keys = self.shown.get(f"{name}:{port}", ())
                called = name if port == "22" else f"[{name}]:{port}"
                return Ran(0, out="".join(f"# {name}:{port} SSH-2.0\n{called} {key}\n" for key in keys))
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        return None
