"""zypper of the fake machine, over the rpm database that dnf's model keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from xml.sax.saxutils import quoteattr

from toque.core.host import Ran
from toque.platforms.package.rpm import compare
from toque.testing.machine import Answer, FakeHost
from toque.testing.programs.dnf import Dnf

_NOTHING_FOUND = 104


@dataclass
class Zypper:
    """`archive` has the versions of each package, the newest first."""

    archive: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: {"nginx": ("1.21.5-1",), "git": ("2.43-1",)})

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        if argv[:4] != ["zypper", "--non-interactive", "--no-refresh", "--xmlout"]:
            return None
        match argv[4:]:
            case ["list-updates"]:
                return _xml(f"<update name={quoteattr(name)}/>" for name in self._newer(host))
            case ["search", "--provides", *_]:
                return _xml([])
            case ["search", *_]:
                patterns = argv[argv.index("--") + 1 :]
                return _xml(
                    f"<solvable name={quoteattr(name)} edition={quoteattr(version)}/>"
                    for name, versions in self.archive.items()
                    for version in versions
                    if any(fnmatchcase(name, pattern) for pattern in patterns)
                )
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["zypper", "--non-interactive", "--quiet", "refresh", *_]:
                return Ran()
            case ["zypper", "--non-interactive", "--quiet", "remove", *_]:
                for name in argv[argv.index("--") + 1 :]:
                    self.installed_on(host).pop(name, None)
                return Ran()
            case ["zypper", "--non-interactive", "--quiet", "install", *_]:
                return self._install(argv[argv.index("--") + 1 :], host)
        return None

    def installed_on(self, host: FakeHost) -> dict[str, str]:
        """The rpm database."""
        return next(each for each in host.programs if isinstance(each, Dnf)).installed

    def _install(self, wanted: list[str], host: FakeHost) -> Ran:
        for each in wanted:
            name, _, version = each.partition("=")
            if name not in self.archive or (version and version not in self.archive[name]):
                return Ran(104, err=f"No provider of '{each}' found.")
            self.installed_on(host)[name] = version or self.archive[name][0]
        return Ran()

    def _newer(self, host: FakeHost) -> list[str]:
        there = self.installed_on(host)
        return [name for name in there if name in self.archive and compare(there[name], self.archive[name][0]) < 0]


def _xml(found: Iterable[str]) -> Ran:
    text = "".join(found)
    return Ran(0 if text else _NOTHING_FOUND, out=f"<stream>{text}</stream>\n")
