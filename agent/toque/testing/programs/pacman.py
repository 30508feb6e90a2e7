"""pacman of the fake machine: what is installed, and what the repositories have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.platforms.package.rpm import compare
from toque.testing.machine import Answer, FakeHost

_FAILED = 1


@dataclass
class Pacman:
    """`archive` has the versions of each package, the newest first; a rolling release has one."""

    installed: dict[str, str] = field(default_factory=dict)
    archive: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"nginx": ("1.26.2-1",), "git": ("2.46-1",)})

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["pacman", "-Q", "--", *names]:
                return _told([f"{name} {self.installed[name]}" for name in names if name in self.installed], len(names))
            case ["pacman", "-Qu", "--", *names]:
                newer = [name for name in names or sorted(self.installed) if self._is_outdated(name)]
                return _told([f"{name} {self.installed[name]} -> {self.archive[name][0]}" for name in newer], 1)
            case ["pacman", "-Si", "--", name]:
                return _told([f"Version         : {version}" for version in self.archive.get(name, ())], 1)
            case ["pacman", "-Sp", "--print-format", "%n", "--", name]:
                return _told([name] if name in self.archive else [], 1)
            case ["pacman", "-Slq"]:
                return _told(sorted(self.archive), 1)
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["pacman", "-Sy", "--noconfirm"]:
                return Ran()
            case ["pacman", "-S", "--noconfirm", *_]:
                for name in argv[argv.index("--") + 1 :]:
                    if name not in self.archive:
                        return Ran(_FAILED, err=f"error: target not found: {name}")
                    self.installed[name] = self.archive[name][0]
                return Ran()
            case ["pacman", "-R" | "-Rn", "--noconfirm", *_]:
                for name in argv[argv.index("--") + 1 :]:
                    self.installed.pop(name, None)
                return Ran()
        return None

    def _is_outdated(self, name: str) -> bool:
        there = name in self.archive and name in self.installed
        return there and compare(self.installed[name], self.archive[name][0]) < 0


def _told(lines: list[str], wanted: int) -> Ran:
    """pacman fails unless it has something to say of everything it was asked."""
    return Ran(0 if len(lines) >= wanted else _FAILED, out="".join(f"{line}\n" for line in lines))
