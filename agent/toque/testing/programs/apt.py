"""apt and dpkg of the fake machine: what is installed, what the lists have, what the archive has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial

from toque.core.host import Ran
from toque.platforms.package.rpm import compare
from toque.testing.machine import Answer, FakeHost

_RELEASE = "/var/lib/apt/lists/x_InRelease"


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
    held: set[str] = field(default_factory=set)
    fixes: set[str] = field(default_factory=set)
    """Packages whose newer version comes from the archive of security fixes."""
    unneeded: set[str] = field(default_factory=set)
    """Installed ones that were installed for others only, which are gone."""
    debs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Package files on the machine, by path, with the name and version in them."""
    answers: dict[str, str] = field(default_factory=dict)
    """What debconf was told, by question."""
    reconfigured: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    """Files in /etc/apt/sources.list.d whose repositories cannot be fetched."""
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
            case ["apt-cache", "madison", "--", name]:
                newest = self._known().get(name)
                return Ran(out=f"     {name} | {newest} | http://deb.debian.org main Packages\n" if newest else "")
            case ["apt-mark", "showhold"]:
                return Ran(out="".join(f"{name}\n" for name in sorted(self.held)))
            case ["dpkg", "--compare-versions", one, "lt", other]:
                return Ran(code=0 if compare(one, other) < 0 else 1)
            case ["dpkg-deb", "--field", path, "Package", "Version"]:
                return Ran(out="Package: {}\nVersion: {}\n".format(*self.debs[path]))
            case ["find", *places, "-mmin", _]:
                return Ran(out=f"{places[0]}\n" if self.fresh else "")
            case ["find", "/var/lib/apt/lists", *_]:
                host.add(_RELEASE, str(sorted(self._known().items())))
                return Ran(out=f"{_RELEASE}\n")
            case ["apt-get", "--simulate", "--quiet", *what]:
                return Ran(out="".join(self._simulated(what)))
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["dpkg", *_, "--configure", "--pending"]:
                host.nodes = {path: node for path, node in host.nodes.items() if "/dpkg/updates/" not in path}
                return Ran()
            case ["apt-get", *_] if host.names_in("/var/lib/dpkg/updates"):
                return Ran(100, err="E: dpkg was interrupted, you must manually run 'dpkg --configure -a'")
            case ["apt-get", *settings] if "update" in settings and (only := _only(settings)) is not None:
                if only in self.refused:
                    return Ran(100, err=f"E: The repository of {only} is not signed.")
                return Ran()
            case ["apt-get", *_, "update"] if self.busy:
                self.busy -= 1
                return Ran(100, err="E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)")
            case ["apt-get", *_, "update"]:
                self.lists, self.fresh = dict(self.archive), True
                return Ran()
            case ["apt-mark", "hold", "--", *names]:
                self.held |= set(names)
                return Ran()
            case ["apt-mark", "unhold", "--", *names]:
                self.held -= set(names)
                return Ran()
            case ["debconf-set-selections"]:
                for line in (host.inputs[-1] or "").splitlines():
                    _, question, _, value = line.split(" ", 3)
                    self.answers[question] = value
                return Ran()
            case ["dpkg-reconfigure", "--frontend=noninteractive", "--", *names]:
                self.reconfigured += names
                return Ran()
            case ["apt-get", *_, "dist-upgrade"]:
                return self._transact(["install"], self._outdated())
            case ["apt-get", *_, "autoremove"]:
                for name in self.unneeded:
                    del self.installed[name]
                self.unneeded = set()
                return Ran()
            case ["apt-get", *_] if "--" in argv:
                at = argv.index("--")
                return self._transact(argv[:at], argv[at + 1 :])
        return None

    def _transact(self, switches: list[str], names: list[str]) -> Ran:
        if kept := self.held & {name.partition("=")[0] for name in names}:
            return Ran(100, err=f"E: Held packages were changed and -y was used: {kept}")
        for name in names:
            package, _, version = name.partition("=")
            if name in self.debs:
                package, version = self.debs[name]
                self.installed[package] = version
            elif "install" not in switches:
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

    def _outdated(self) -> list[str]:
        known = self._known()
        newer = [name for name, now in self.installed.items() if name in known and compare(now, known[name]) < 0]
        return sorted(set(newer) - self.held)

    def _simulated(self, what: list[str]) -> list[str]:
        if what == ["autoremove"]:
            return [f"Remv {name} [{self.installed[name]}]\n" for name in sorted(self.unneeded)]
        named = what[what.index("--") + 1 :] if "--" in what else self.installed
        lines = []
        for name in self._outdated():
            if name in named:
                origin = "Debian-Security:12/oldstable-security" if name in self.fixes else "Debian:12.15/oldstable"
                lines.append(f"Inst {name} [{self.installed[name]}] ({self._known()[name]} {origin} [amd64])\n")
        return lines

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


def _only(settings: list[str]) -> str | None:
    """The one file of sources that `apt-get update -o Dir::Etc::sourcelist=…` asks about."""
    start = "Dir::Etc::sourcelist=/etc/apt/sources.list.d/"
    return next((setting.removeprefix(start) for setting in settings if setting.startswith(start)), None)


def debian(files: Mapping[str, bytes | str] | None = None, **what: object) -> FakeHost:
    """A fake machine with apt: `debian(installed={"git": "2.39"})`."""
    apt = Apt(**what)  # type: ignore[arg-type]
    return FakeHost(files=dict(files or {}), programs=[apt], paths=["/usr/bin/apt-get"])


debian_with = partial(partial, debian)
