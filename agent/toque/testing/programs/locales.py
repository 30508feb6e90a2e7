"""locale, locale-gen and localedef of the fake machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost


@dataclass
class Locales:
    """`there` are the generated locales, as `locale -a` writes them; `known` those of which there are sources."""

    there: set[str] = field(default_factory=lambda: {"C", "C.utf8", "POSIX"})
    known: set[str] = field(default_factory=lambda: {"en_US", "en_GB", "de_DE"})

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        return (
            Ran(out="".join(f"{name}\n" for name in sorted(self.there)))
            if argv == ["locale", "--all-locales"]
            else None
        )

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["locale-gen"]:
                for line in (host.read("/etc/locale.gen") or b"").decode().splitlines():
                    if line and not line.startswith("#"):
                        self._make(line.split()[0])
            case ["localedef", "-i", _, "-f", _, name]:
                self._make(name)
            case _:
                return None
        return Ran()

    def _make(self, name: str) -> None:
        language, _, charset = name.partition(".")
        if language in self.known:
            self.there.add(f"{language}.{charset.lower().replace('-', '')}" if charset else language)


def with_locales(*, debian: bool = True, settings: str = "", sources: bool = True) -> FakeHost:
    """A machine that speaks C: `with_locales(settings="LANG=C.UTF-8\\n")`."""
    host = FakeHost(programs=[Locales()])
    if debian:
        host.add("/etc/debian_version", "12.0\n")
        host.add("/etc/default/locale", settings)
    if sources and debian:
        host.paths = ["/usr/sbin/locale-gen", "/usr/bin/localedef"]
        host.add("/etc/locale.gen", "# This file lists locales\n# de_DE.UTF-8 UTF-8\n# en_US.UTF-8 UTF-8\n")
    elif sources:
        host.paths = ["/usr/bin/localedef"]
        host.add("/usr/share/i18n/locales/en_US", b"")
    return host
