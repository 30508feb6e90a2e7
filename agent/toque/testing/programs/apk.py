"""apk of the fake machine, with its database and its world as the files that they are.

What it prints follows what is published of apk-tools 2.14 (manual pages, logs of builds); the program itself does not
run where these tests do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from toque.core.host import Ran
from toque.platforms.package.rpm import compare
from toque.testing.machine import Answer, FakeHost, Node

_DATABASE, _WORLD = "/lib/apk/db/installed", "/etc/apk/world"
_INDEX = "/var/cache/apk/APKINDEX.066df28d.tar.gz"
_MIRROR = "https://dl-cdn.alpinelinux.org/alpine/v3.19/main"
_STOCK = {"nginx": ("1.24.0-r15", "1.24.0-r14"), "git": ("2.43.4-r0",), "musl": ("1.2.4_git20230717-r4",)}


@dataclass
class Apk:
    """`archive` has the versions of each package, the newest first."""

    archive: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: dict(_STOCK))
    fresh: bool = True

    def look(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["apk", "policy", *names]:
                known = [name for name in names if name in self.archive or name in self._installed(host)]
                return Ran(out="".join(self._policy(name, host) for name in known))
            case ["apk", "version", "-t", one, other]:
                order = compare(one.replace("_", "~"), other.replace("_", "~"))
                return Ran(out="<=>"[order + 1] + "\n")
            case ["apk", "search", "--quiet", "--", pattern]:
                return Ran(out="".join(f"{name}\n" for name in self.archive if name.startswith(pattern[:-1])))
            case ["apk", "--simulate", "upgrade"]:
                return self._simulated(self._newer(host), host)
            case ["apk", "--simulate", "fix", "--upgrade", "--", *names]:
                return self._simulated([name for name in self._newer(host) if name in names], host)
            case ["tar", "-xzOf", path, ".PKGINFO"]:
                return Ran(out=(host.read(path) or b"").decode())
            case ["find", *places, "-mmin", _]:
                return Ran(out=f"{places[0]}\n" if self.fresh else "")
            case ["find", "/var/cache/apk", *_]:
                host.add(_INDEX, str(sorted(self.archive.items())))
                return Ran(out=f"{_INDEX}\n")
        return None

    def do(self, argv: list[str], host: FakeHost) -> Answer:
        match argv:
            case ["apk", "--no-progress", "--wait", _, "update"]:
                self.fresh = True
            case ["apk", "--no-progress", "--wait", _, "upgrade"]:
                self._bring({name: self.archive[name][0] for name in self._newer(host)}, host)
            case ["apk", "--no-progress", "--wait", _, "fix", "--upgrade", "--", *names]:
                self._bring({name: self.archive[name][0] for name in self._newer(host) if name in names}, host)
            case ["apk", "--no-progress", "--wait", _, "del", *_]:
                gone = argv[argv.index("--") + 1 :]
                self._keep(host, [each for each in self._world(host) if each.partition("=")[0] not in gone])
                self._bring(dict.fromkeys(gone, ""), host)
            case ["apk", "--no-progress", "--wait", _, "add", *_]:
                return self._add(argv[argv.index("--") + 1 :], "--upgrade" in argv, host)
            case _:
                return None
        return Ran()

    def installed_on(self, host: FakeHost) -> Mapping[str, str]:
        """What its database says."""
        return self._installed(host)

    def put(self, packages: Mapping[str, str], host: FakeHost) -> None:
        """Have these installed, as if somebody had wanted them."""
        self._keep(host, [*self._world(host), *packages])
        self._bring(packages, host)

    def _add(self, wanted: list[str], upgrade: bool, host: FakeHost) -> Ran:
        there, brought = self._installed(host), {}
        for each in wanted:
            name, _, version = each.partition("=")
            if name not in self.archive or (version and version not in self.archive[name]):
                said = f"ERROR: unable to select packages:\n  {name} (no such package):\n    required by: world[{each}]"
                return Ran(code=1, err=said)
            if version or upgrade or name not in there:
                brought[name] = version or self.archive[name][0]
        names = {each.partition("=")[0] for each in wanted}
        self._keep(host, [each for each in self._world(host) if each.partition("=")[0] not in names] + wanted)
        self._bring(brought, host)
        return Ran()

    def _newer(self, host: FakeHost) -> list[str]:
        held = {each.partition("=")[0] for each in self._world(host) if "=" in each}
        there = self._installed(host)
        return [
            name
            for name, version in sorted(there.items())
            if name in self.archive and name not in held and self.archive[name][0] != version
        ]

    def _simulated(self, names: list[str], host: FakeHost) -> Ran:
        there = self._installed(host)
        steps = [
            f"({number}/{len(names)}) Upgrading {name} ({there[name]} -> {self.archive[name][0]})\n"
            for number, name in enumerate(names, 1)
        ]
        return Ran(out="".join([*steps, f"OK: 8 MiB in {len(there)} packages\n"]))

    def _policy(self, name: str, host: FakeHost) -> str:
        now = self._installed(host).get(name)
        versions = dict.fromkeys([*self.archive.get(name, ()), *([now] if now else [])])
        lines = [f"{name} policy:"]
        for version in versions:
            lines.append(f"  {version}:")
            lines += ["    lib/apk/db/installed"] if version == now else []
            lines += [f"    {_MIRROR}"] if version in self.archive.get(name, ()) else []
        return "\n".join(lines) + "\n"

    def _world(self, host: FakeHost) -> list[str]:
        return (host.read(_WORLD) or b"").decode().split()

    def _keep(self, host: FakeHost, world: list[str]) -> None:
        host.add(_WORLD, "".join(f"{each}\n" for each in sorted(world)))

    def _installed(self, host: FakeHost) -> dict[str, str]:
        return dict(_paragraphs((host.read(_DATABASE) or b"").decode()))

    def _bring(self, changes: Mapping[str, str], host: FakeHost) -> None:
        left = {name: version for name, version in (self._installed(host) | dict(changes)).items() if version}
        host.add(_DATABASE, database(left))


def _paragraphs(text: str) -> Iterator[tuple[str, str]]:
    for paragraph in text.split("\n\n"):
        fields = dict(line.split(":", 1) for line in paragraph.splitlines() if ":" in line)
        if "P" in fields:
            yield fields["P"], fields["V"]


def database(installed: Mapping[str, str], provides: Mapping[str, str] | None = None) -> str:
    """The text of apk's database of what is installed."""
    return "".join(
        f"C:Q1pSfUFtQsdrUIYVY8vDS1gSp0vOw=\nP:{name}\nV:{version}\nA:x86_64\nS:4096\nI:12288\nT:a package\n"
        f"p:{(provides or {}).get(name, f'cmd:{name}={version}')}\nF:usr/bin\nR:{name}\n\n"
        for name, version in sorted(installed.items())
    )


def alpine(
    files: Mapping[str, bytes | str | Node] | None = None, installed: Mapping[str, str] | None = None, **what: object
) -> FakeHost:
    """A fake machine with apk: `alpine(installed={"git": "2.43.4-r0"})`."""
    here: dict[str, bytes | str | Node] = {
        "/etc/os-release": "ID=alpine\n",
        _DATABASE: database(installed or {}),
        _WORLD: "".join(f"{name}\n" for name in sorted(installed or {})),
    }
    return FakeHost(files=here | dict(files or {}), programs=[Apk(**what)], paths=["/sbin/apk"])  # type: ignore[arg-type]


alpine_with = partial(partial, alpine)
