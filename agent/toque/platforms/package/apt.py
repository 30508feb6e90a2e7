"""Packages of Debian and its family, by dpkg-query and apt-get."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toque.core import Host

_LOCK_WAIT = 600
"""Seconds to wait for another holder of dpkg's lock: unattended upgrades hold it for minutes on a small machine."""

_LISTS_MAX_AGE = 24 * 60
"""Minutes after which package lists are fetched again before something is installed."""

_ENV = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
    "APT_LISTCHANGES_FRONTEND": "none",
    # Restarting services is the recipe's business.
    "NEEDRESTART_MODE": "l",
}
_APT_GET = [
    "apt-get",
    "--yes",
    "--quiet",
    "-o",
    f"DPkg::Lock::Timeout={_LOCK_WAIT}",
    "-o",
    "Dpkg::Options::=--force-confdef",
    "-o",
    "Dpkg::Options::=--force-confold",
    "-o",
    "Dpkg::Use-Pty=0",
]
_FORMAT = "${db:Status-Abbrev}\t${binary:Package}\t${Version}\t${Provides}\n"
_UNPACKED = "iWt"  # installed, or installed with triggers still to run
_FAILED, _APT_FAILED = 1, 100
_UPDATE_AGAIN = 3


class Apt:
    def __init__(self, host: Host) -> None:
        self._host = host

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

    def refresh(self, names: Sequence[str]) -> list[str]:
        is_fresh = ["find", "/var/lib/apt/lists", "-maxdepth", "1", "-name", "*Release", "-mmin", f"-{_LISTS_MAX_AGE}"]
        fresh = self._host.run(is_fresh, ok={0, _FAILED}).out != ""
        unknown = self._unknown(names)
        if unknown or not fresh:
            self._update()
            unknown = self._unknown(names)
        return unknown

    def similar(self, name: str) -> list[str]:
        return self._host.run(["apt-cache", "pkgnames", "--", name[:2]], ok={0, _APT_FAILED}).out.split()

    def install(
        self,
        names: Sequence[str],
        *,
        version: str | None = None,
        recommends: bool = True,
        downgrade: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        self._finish_interrupted()
        wanted = list(names) if version is None else [f"{name}={version}" for name in names]
        switches = [] if recommends else ["--no-install-recommends"]
        switches += ["--allow-downgrades"] if downgrade else []
        self._apt_get("install", *switches, *options, "--", *wanted)

    def remove(self, names: Sequence[str], *, purge: bool = False, options: Sequence[str] = ()) -> None:
        self._finish_interrupted()
        self._apt_get("purge" if purge else "remove", *options, "--", *names)

    def _apt_get(self, verb: str, *arguments: str) -> None:
        self._host.run([*_APT_GET, verb, *arguments], env=_ENV)

    def _update(self) -> None:
        """Fetch the lists. apt waits for dpkg's lock but not for that of the lists, which a daily timer takes too."""
        for _ in range(_UPDATE_AGAIN):
            if self._host.run([*_APT_GET, "update"], env=_ENV, ok={0, _APT_FAILED}).code == 0:
                return
            self._host.run(["sleep", "5"])
        self._apt_get("update")

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
