"""Packages of Debian and its family, by dpkg-query and apt-get."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from toque.core import Secret
from toque.platforms.package.terms import Manager, Scope, Step

_ENV = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
    "APT_LISTCHANGES_FRONTEND": "none",
    # Restarting services is the recipe's business.
    "NEEDRESTART_MODE": "l",
}
_KEEP_CONFIGURATION = ["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"]
_FORMAT = "${db:Status-Abbrev}\t${binary:Package}\t${Version}\t${Provides}\n"
_UNPACKED = "iWt"  # installed, or installed with triggers still to run
_FAILED, _APT_FAILED = 1, 100
_UPDATE_AGAIN = 3
_SIMULATED = re.compile(r"(Inst|Remv|Purg) (\S+)(?: \[([^]]*)\])?(?: \((\S+) ([^)]*)\))?")
_REBOOT = "/var/run/reboot-required"


class Apt(Manager):
    title = "apt"
    lists = ("/var/lib/apt/lists",)
    list_name = "*Release"

    def installed(self, names: Sequence[str], *, remains: bool = False) -> Mapping[str, str]:
        shown = self._query(names)
        found: dict[str, str] = {}
        for status, package, version, _ in shown:
            if status[1:2] in _UNPACKED or (remains and status[1:2] not in ("n", " ", "")):
                found.setdefault(package, version)
                found.setdefault(package.partition(":")[0], version)
        missing = [name for name in names if name not in found]
        return {name: found[name] for name in names if name in found} | self._provided(missing)

    def outdated(self, names: Sequence[str]) -> list[str]:
        policy = self._policy(names)
        return [name for name, (now, newest) in policy.items() if now != newest and newest != "(none)"]

    def held(self, names: Sequence[str]) -> list[str]:
        held = self._host.run(["apt-mark", "showhold"]).out.split()
        return [name for name in names if name in held]

    def versions(self, name: str) -> list[str]:
        table = self._host.run(["apt-cache", "madison", "--", name], ok={0, _APT_FAILED}).out.splitlines()
        rows = [[cell.strip() for cell in line.split("|")] for line in table]
        return list(dict.fromkeys(row[1] for row in rows if len(row) == 3 and row[2].endswith("Packages")))

    def compare(self, one: str, other: str) -> int:
        if one == other:
            return 0
        older = self._host.run(["dpkg", "--compare-versions", one, "lt", other], ok={0, _FAILED}).code == 0
        return -1 if older else 1

    def in_file(self, path: str) -> tuple[str, str]:
        shown = self._host.run(["dpkg-deb", "--field", path, "Package", "Version"]).out
        fields = dict(line.split(": ", 1) for line in shown.splitlines() if ": " in line)
        return fields["Package"], fields["Version"]

    def refresh(self, names: Sequence[str]) -> list[str]:
        unknown = self._unknown(names)
        if unknown or not self.is_fresh(self._terms.max_age):
            self.update()
            unknown = self._unknown(names)
        return unknown

    def update(self) -> None:
        """Fetch the lists. apt waits for dpkg's lock but not for that of the lists, which a daily timer takes too."""
        self.update_from()
        self._note_fetched()

    def update_from(self, *switches: str) -> None:
        """Fetch the lists that are named by these switches, or all."""
        for _ in range(_UPDATE_AGAIN):
            ran = self._host.run([*self._always, "update", *switches], env=self._env, ok={0, _APT_FAILED})
            if ran.code == 0:
                return
            if "lock" not in ran.err:
                break
            self._host.run(["sleep", "5"])
        self._apt_get("update", *switches)

    def similar(self, name: str) -> list[str]:
        return self._host.run(["apt-cache", "pkgnames", "--", name[:2]], ok={0, _APT_FAILED}).out.split()

    def install(self, names: Sequence[str], *, version: str | None = None, downgrade: bool = False) -> None:
        self._install(list(names) if version is None else [f"{name}={version}" for name in names], downgrade)

    def install_file(self, path: str, *, downgrade: bool = False) -> None:
        self._install([path], downgrade)

    def remove(self, names: Sequence[str], *, purge: bool = False) -> None:
        self._finish_interrupted()
        self._apt_get("purge" if purge else "remove", *self._terms.options, "--", *names)

    def hold(self, names: Sequence[str]) -> None:
        self._host.run(["apt-mark", "hold", "--", *names])

    def unhold(self, names: Sequence[str]) -> None:
        self._host.run(["apt-mark", "unhold", "--", *names])

    def answer(self, names: Sequence[str], answers: Mapping[str, str]) -> None:
        lines = [f"{names[0]} {question} {_kind(value)} {value}" for question, value in answers.items()]
        self._host.run(["debconf-set-selections"], input="\n".join(lines) + "\n", env=_ENV)

    def reconfigure(self, names: Sequence[str]) -> None:
        self._finish_interrupted()
        self._host.run(["dpkg-reconfigure", "--frontend=noninteractive", "--", *names], env=self._env)

    def pending(self, scope: Scope) -> list[Step]:
        named = self._named(scope)
        steps = [step for step, _ in self._simulated(*self._upgrading(named))] if named != [] else []
        gone = [step for step, _ in self._simulated("autoremove")] if scope.autoremove else []
        return list(dict.fromkeys(steps + gone))

    def upgrade(self, scope: Scope) -> None:
        self._finish_interrupted()
        named = self._named(scope)
        if named != []:
            self._apt_get(*self._upgrading(named))
        if scope.autoremove:
            self._apt_get("autoremove")

    def needs_reboot(self) -> bool:
        return self._host.entry(_REBOOT) is not None

    def _named(self, scope: Scope) -> list[str] | None:
        """The packages to upgrade by name; None where it is all of them."""
        if not scope.security and not scope.exclude:
            return None
        return [
            step.name
            for step, origin in self._simulated("dist-upgrade")
            if step.was and step.to and not scope.excludes(step.name) and not (scope.security and not _is_fix(origin))
        ]

    def _upgrading(self, named: list[str] | None) -> list[str]:
        return ["dist-upgrade"] if named is None else ["install", "--only-upgrade", "--", *named]

    def _simulated(self, *arguments: str) -> list[tuple[Step, str]]:
        """What apt-get would do, each with where the new version comes from."""
        out = self._host.run(["apt-get", "--simulate", "--quiet", *arguments], env=_ENV).out
        found = []
        for line in out.splitlines():
            if match := _SIMULATED.match(line):
                verb, name, was, to, origin = match.groups(default="")
                found.append((Step(name, was, to if verb == "Inst" else ""), origin))
        return found

    @property
    def _always(self) -> list[str]:
        wait = ["-o", f"DPkg::Lock::Timeout={self._terms.lock_timeout}"]
        return ["apt-get", "--yes", "--quiet", *wait, *_KEEP_CONFIGURATION, "-o", "Dpkg::Use-Pty=0"]

    @property
    def _env(self) -> Mapping[str, str]:
        return {**_ENV, **self._terms.environment}

    def _apt_get(self, verb: str, *arguments: str) -> None:
        self._host.run([*self._always, verb, *arguments], env=self._env)

    def _install(self, wanted: list[str], downgrade: bool) -> None:
        self._finish_interrupted()
        switches = [] if self._terms.recommends else ["--no-install-recommends"]
        switches += ["--allow-downgrades"] if downgrade else []
        switches += [f"--target-release={self._terms.default_release}"] if self._terms.default_release else []
        self._apt_get("install", *switches, *self._terms.options, "--", *wanted)

    def _finish_interrupted(self) -> None:
        """A run that was killed in the middle of dpkg leaves a journal, with which apt-get refuses to work."""
        if any(name.isdecimal() for name in self._host.names_in("/var/lib/dpkg/updates")):
            self._host.run(["dpkg", "--force-confdef", "--force-confold", "--configure", "--pending"], env=_ENV)

    def _query(self, names: Sequence[str]) -> list[list[str]]:
        out = self._host.run(["dpkg-query", f"--showformat={_FORMAT}", "--show", "--", *names], ok={0, _FAILED}).out
        return [line.split("\t") for line in out.splitlines() if line.count("\t") == 3]

    def _provided(self, missing: Sequence[str]) -> dict[str, str]:
        """Names such as `mail-transport-agent` that no package has, and some installed package provides."""
        if not missing:
            return {}
        providers: dict[str, str] = {}
        for status, _, version, provides in self._query(["*"]):
            if status[1:2] in _UNPACKED:
                providers.update({each.split("(")[0].strip(): version for each in provides.split(",") if each.strip()})
        candidates = [name for name in missing if name in providers]
        policy = self._policy(candidates) if candidates else {}
        return {name: providers[name] for name in candidates if policy.get(name, ("", "(none)"))[1] == "(none)"}

    def _unknown(self, names: Sequence[str]) -> list[str]:
        known = self._policy(names)
        return [name for name in names if name not in known]

    def _policy(self, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The installed and the newest version of each name that the lists have; `(none)` where there is none."""
        found: dict[str, list[str]] = {}
        name = ""
        for line in self._host.run(["apt-cache", "policy", "--", *names]).out.splitlines():
            if not line.startswith(" "):
                name = line.removesuffix(":")
                found[name] = ["(none)", "(none)"]
            elif line.startswith("  Installed: "):
                found[name][0] = line[13:]
            elif line.startswith("  Candidate: "):
                found[name][1] = line[13:]
        return {name: (now, newest) for name, (now, newest) in found.items()}


def _kind(value: str) -> str:
    """The type that debconf is told; the package's own replaces it. A password's is kept where only root reads."""
    if isinstance(value, Secret):
        return "password"
    return "boolean" if value in ("true", "false") else "string"


def _is_fix(origin: str) -> bool:
    """Whether `Debian-Security:12/oldstable-security, …` names an archive of security fixes."""
    return any("security" in each.lower() for each in origin.split(","))
