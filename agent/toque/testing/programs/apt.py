"""apt and dpkg of the fake machine: what is installed, what the lists have, what the archive has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial

from toque.core.host import Ran
from toque.testing.machine import Answer, FakeHost


@dataclass
class Apt:
    """`archive` is what the mirrors have; `lists` what this machine knows of it (the same, unless given)."""

    installed: dict[str, str] = field(default_factory=dict)
    archive: dict[str, str] = field(default_factory=lambda: {"nginx": "1.22", "git": "2.39", "unzip": "6.0"})
    lists: dict[str, str] | None = None
    fresh: bool = True
    remains: dict[str, str] = field(default_factory=dict)
    provides: Mapping[str, str] = field(default_factory=dict)
    lost: str = ""
    busy: int = 0
    """How often fetching the lists will fail, because another process holds their lock."""

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["dpkg-query", _, "--show", "--", "*"]:
                return Ran(out="".join(map(self._line, self.installed)))
            case ["dpkg-query", _, "--show", "--", *names]:
                there = [name for name in names if name in self.installed or name in self.remains]
                return Ran(code=0 if there == names else 1, out="".join(map(self._line, there)))
            case ["apt-cache", "policy", "--", *names]:
                return Ran(out="".join(map(self._policy, names)))
            case ["apt-cache", "pkgnames", "--", beginning]:
                return Ran(out="".join(f"{name}\n" for name in self._known() if name.startswith(beginning)))
            case ["find", "/var/lib/apt/lists", *_]:
                return Ran(out="/var/lib/apt/lists/x_InRelease\n" if self.fresh else "")
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["dpkg", *_, "--configure", "--pending"]:
                host.nodes = {path: node for path, node in host.nodes.items() if "/dpkg/updates/" not in path}
                return Ran()
            case ["apt-get", *_] if host.names_in("/var/lib/dpkg/updates"):
                return Ran(100, err="E: dpkg was interrupted, you must manually run 'dpkg --configure -a'")
            case ["apt-get", *_, "update"] if self.busy:
                self.busy -= 1
                return Ran(100, err="E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)")
            case ["apt-get", *_, "update"]:
                self.lists, self.fresh = self.archive.copy(), True
                return Ran()
            case ["apt-get", *_, "--", _] | ["apt-get", *_, "--", _, _]:
                at = argv.index("--")
                return self._transact(argv[:at], argv[at + 1 :])
        return None

    def _transact(self, switches: list[str], names: list[str]) -> Ran:
        for name in names:
            package, _, version = name.partition("=")
            if "install" not in switches:
                self.remains[package] = self.installed.pop(package, self.remains.get(package, ""))
                if "purge" in switches:
                    del self.remains[package]
            elif package == self.lost:
                return Ran(100, err=f"E: Failed to fetch {package}")
            elif package not in self._known() and package in self.provides:
                self.installed[self.provides[package]] = "1"
            else:
                newest = self._known()[package]
                if version and not fnmatchcase(newest, version):
                    return Ran(100, err=f"E: Version '{version}' for '{package}' was not found")
                self.installed[package] = newest
        return Ran()

    def _known(self) -> dict[str, str]:
        return self.archive if self.lists is None else self.lists

    def _line(self, name: str) -> str:
        if name not in self.installed:
            return f"rc \t{name}\t{self.remains[name]}\t\n"
        provided = ", ".join(each for each, by in self.provides.items() if by == name)
        return f"ii \t{name}\t{self.installed[name]}\t{provided}\n"

    def _policy(self, name: str) -> str:
        now, newest = self.installed.get(name), self._known().get(name)
        if now is None and newest is None and name not in self.provides:
            return ""
        return f"{name}:\n  Installed: {now or '(none)'}\n  Candidate: {newest or now or '(none)'}\n  Version table:\n"


def debian(files: Mapping[str, bytes | str] | None = None, **what: object) -> FakeHost:
    """A fake machine with apt: `debian(installed={"git": "2.39"})`."""
    apt = Apt(**what)  # type: ignore[arg-type]
    return FakeHost(files=dict(files or {}), programs=[apt], paths=["/usr/bin/apt-get"])


debian_with = partial(partial, debian)
