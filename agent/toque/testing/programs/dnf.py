"""dnf and rpm of the fake machine: what is installed, and what the repositories have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial

from toque.core.host import Ran
from toque.platforms.package.rpm import compare
from toque.platforms.package.word_list import words_of
from toque.testing.machine import Answer, FakeHost, Node

_REPOMD = "/var/cache/dnf/base/repodata/repomd.xml"
_STOCK = {"nginx": ("1.20-1", "1.22-1"), "git": ("2.39-1",)}
_UPDATES, _FAILED = 100, 1


@dataclass
class Dnf:
    """`archive` has the versions of each package, without an order; `fixes` are the names with a security fix."""

    installed: dict[str, str] = field(default_factory=dict)
    archive: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(_STOCK))
    provides: Mapping[str, str] = field(default_factory=dict)
    fixes: set[str] = field(default_factory=set)
    unneeded: set[str] = field(default_factory=set)
    fresh: bool = True
    broken: set[str] = field(default_factory=set)
    """Repositories that cannot be fetched."""

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["rpm", "--query", "--whatprovides", _, "--", name]:
                found = [by for virtual, by in self.provides.items() if virtual == name and by in self.installed]
                return self._queried(found, bool(found))
            case ["rpm", "--query", _, "--", *names]:
                found = [name for name in names if name in self.installed]
                return self._queried(found, found == names)
            case ["find", *places, "-mmin", _]:
                return Ran(out=f"{places[0]}\n" if self.fresh else "")
            case ["find", "/var/cache/dnf", *_]:
                host.add(_REPOMD, str(sorted(self.archive.items())))
                return Ran(out=f"{_REPOMD}\n")
            case ["dnf", "--quiet", "list", "--available", "--showduplicates", "--", *patterns]:
                rows = [
                    f"{name}.noarch {version} base\n"
                    for name, versions in self._offered(host).items()
                    for version in versions
                    if any(fnmatchcase(name, pattern) for pattern in patterns)
                ]
                return Ran(code=0 if rows else _FAILED, out="".join(["Available Packages\n", *rows]))
            case ["dnf", "--quiet", "list", "--autoremove"]:
                return Ran(out="".join(f"{name}.noarch {self.installed[name]} @base\n" for name in self.unneeded))
            case ["dnf", "--quiet", "provides", "--", name]:
                return Ran(code=0 if self.provides.get(name) in self._offered(host) else _FAILED)
            case ["dnf", "--quiet", "check-update", *limits]:
                rows = [f"{name}.noarch {self._newest(name)} base\n" for name in self._newer(limits, host)]
                return Ran(code=_UPDATES if rows else 0, out="".join(rows))
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["rpm", "--import", path] if host.read(path) is not None:
                return Ran()
            case ["dnf", "--quiet", "makecache", *limits]:
                only = {limit.partition("=")[2] for limit in limits if limit.startswith("--enablerepo=")}
                if refused := only & self.broken:
                    return Ran(code=1, err=f"Error: Failed to download metadata for repo {refused}")
                self.fresh = True
            case ["dnf", "--quiet", "autoremove", "--assumeyes"]:
                for name in self.unneeded:
                    del self.installed[name]
                self.unneeded = set()
            case ["dnf", "--quiet", "remove", *_]:
                for name in argv[argv.index("--") + 1 :]:
                    self.installed.pop(name, None)
            case ["dnf", "--quiet", "upgrade", "--assumeyes", *limits] if "--" not in limits:
                for name in self._newer(limits, host):
                    self.installed[name] = self._newest(name)
            case ["dnf", "--quiet", "install" | "upgrade" | "downgrade" as verb, *_]:
                return self._transact(verb, argv[argv.index("--") + 1 :], host)
            case _:
                return None
        return Ran()

    def _transact(self, verb: str, specs: list[str], host: FakeHost) -> Ran:
        for spec in specs:
            offered = self._offered(host)
            exact = {f"{name}-{version}": (name, version) for name, each in offered.items() for version in each}
            name = self.provides.get(spec, spec)
            if spec not in exact and name not in offered:
                return Ran(code=1, err=f"Error: Unable to find a match: {spec}")
            name, version = exact.get(spec) or (name, self._newest(name))
            older = name in self.installed and compare(version, self.installed[name]) < 0
            if older == (verb == "downgrade"):
                self.installed[name] = version
        return Ran()

    def _newer(self, limits: list[str], host: FakeHost) -> list[str]:
        """Installed packages of which a newer version is to be had, within the limits of a command line."""
        named = limits[limits.index("--") + 1 :] if "--" in limits else list(self.installed)
        left_out = [limit.partition("=")[2] for limit in limits if limit.startswith("--exclude=")]
        return [
            name
            for name in sorted(self.installed)
            if name in named
            and name in self._offered(host)
            and compare(self.installed[name], self._newest(name)) < 0
            and not any(fnmatchcase(name, pattern) for pattern in left_out)
            and ("--security" not in limits or name in self.fixes)
        ]

    def _offered(self, host: FakeHost) -> Mapping[str, tuple[str, ...]]:
        text = (host.read("/etc/dnf/dnf.conf") or b"").decode()
        held = words_of(text, "main", ("excludepkgs", "exclude"))
        return {name: versions for name, versions in self.archive.items() if name not in held}

    def _newest(self, name: str) -> str:
        newest = self.archive[name][0]
        for version in self.archive[name]:
            newest = version if compare(version, newest) > 0 else newest
        return newest

    def _queried(self, names: list[str], all_there: bool) -> Ran:
        return Ran(0 if all_there else 1, out="".join(f"{name}\tnoarch\t{self.installed[name]}\n" for name in names))


def fedora(files: Mapping[str, bytes | str | Node] | None = None, **what: object) -> FakeHost:
    """A fake machine with dnf: `fedora(installed={"git": "2.39-1"})`."""
    dnf = Dnf(**what)  # type: ignore[arg-type]
    here: dict[str, bytes | str | Node] = {
        "/etc/os-release": "ID=fedora\n",
        "/etc/dnf/dnf.conf": "[main]\ngpgcheck=1\n",
    }
    return FakeHost(files=here | dict(files or {}), programs=[dnf], paths=["/usr/bin/dnf"])


fedora_with = partial(partial, fedora)
