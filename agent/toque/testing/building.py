"""Building the machine of a node in memory: a platform's accounts and programs, and what a test puts on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from typing import Any, cast

from toque.core.errors import did_you_mean
from toque.core.host import Ran, WebAnswer
from toque.testing import arrivals, teaching
from toque.testing.arrivals import Brought
from toque.testing.machine import FakeHost, Node, Unit
from toque.testing.platforms import Recorded
from toque.testing.programs.accounts import Account, Accounts
from toque.testing.programs.git import Git
from toque.testing.programs.sysv import Scripts

_FOLDERS = (
    "/bin", "/boot", "/etc/systemd/system", "/home", "/root", "/run", "/usr/bin", "/usr/lib", "/usr/local/bin",
    "/usr/local/sbin", "/usr/sbin", "/usr/share", "/var/cache", "/var/log", "/var/spool", "/var/tmp", "/mnt",
)  # fmt: skip
_STATES = {
    "running": Unit(active=True, enabled=True),
    "stopped": Unit(enabled=True),
    "disabled": Unit(),
    "broken": Unit(broken=True),
}


_MANAGERS = {"apk", "apt-cache", "apt-get", "dnf", "pacman", "yum", "zypper"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]*")


class Machine(FakeHost):
    """A FakeHost whose packages bring their services, folders, programs and accounts when they are installed."""

    platform: Recorded
    manager: Any = None
    """The model of the platform's package manager; None where nobody has taught one."""
    mirror: dict[str, Any] | None = None
    """The archive, where it has every package that somebody asks for."""
    brings: Mapping[str, Brought]
    unpacked: frozenset[str] = frozenset()

    @property
    def packages(self) -> Mapping[str, str]:
        """What is installed, with versions."""
        if self.manager is None:
            return {}
        found = self.manager.installed_on(self) if hasattr(self.manager, "installed_on") else self.manager.installed
        return cast(Mapping[str, str], found)

    def run(self, argv: Sequence[str], **options: Any) -> Ran:
        if self.mirror is not None and argv[0] in _MANAGERS and "pkgnames" not in argv:
            self.offer(argv[argv.index("--") + 1 :] if "--" in argv else argv[2:])
        ran = super().run(argv, **options)
        if self.manager is not None and argv[0] in _MANAGERS:
            self.unpack(starts=self.platform.facts["platform"]["family"] == "debian")
        return ran

    def offer(self, names: Sequence[str]) -> None:
        """Have packages in the archive that has everything."""
        one = self.platform.facts["platform"]["package_manager"] == "apt"
        for name in names:
            if self.mirror is not None and _NAME.fullmatch(name):
                self.mirror.setdefault(name, "1.0" if one else ("1.0",))

    def unpack(self, *, starts: bool) -> None:
        """Bring what was installed since, and take the services of what was removed; Debian's start at once."""
        there = frozenset(self.packages)
        for name in sorted(there - self.unpacked):
            self._bring(self.brings.get(name, {}), starts)
        for name in self.unpacked - there:
            for service in self.brings.get(name, {}).get("services", ()):
                self.units.pop(service, None)
                self.nodes.pop(f"/etc/init.d/{service}", None)
        self.unpacked = there

    def _bring(self, package: Brought, starts: bool) -> None:
        for folder in package.get("folders", ()):
            self._folder(folder)
        for path, text in package.get("files", {}).items():
            if path not in self.nodes:
                self.add(path, text)
        self.paths = [*self.paths, *package.get("programs", ())]
        for user in package.get("users", ()):
            self._account(user)
        for group in package.get("groups", ()):
            self.groups.setdefault(group, max(n for n in self.groups.values() if n < 65534) + 1)
        for service in package.get("services", ()):
            self.serve(service, Unit(active=starts, enabled=starts))

    def serve(self, name: str, unit: Unit) -> None:
        """A service that is there: a unit, or a script in /etc/init.d."""
        if self.platform.facts["platform"]["init"] == "systemd":
            self.units.setdefault(name, unit)
            return
        openrc = self._openrc()
        keeper: Any = openrc or next(each for each in self.programs if isinstance(each, Scripts))
        script = import_module(type(keeper).__module__).SCRIPT
        self.add(f"/etc/init.d/{name}", Node(content=script, mode=0o755))
        for remembered, holds in ((keeper.running, unit.active), (keeper.broken, unit.broken)):
            if holds:
                remembered.add(name)
        if unit.enabled:
            boots = f"/etc/runlevels/default/{name}" if openrc else f"/etc/rc2.d/S01{name}"
            self.add(boots, Node("link", to=f"/etc/init.d/{name}"))

    def _openrc(self) -> Any:
        """OpenRC, where it is what starts services."""
        if self.platform.facts["platform"]["init"] != "openrc":
            return None
        return next((each for each in self.programs if teaching.module_of(each) == "openrc"), None)

    def _folder(self, path: str) -> None:
        if path not in self.nodes:
            self.add(path, Node("directory", mode=0o755))

    def _account(self, name: str) -> None:
        number = max(n for n in [999, *self.users.values(), *self.groups.values()] if n < 65534) + 1
        self.users.setdefault(name, number)
        self.groups.setdefault(name, self.users[name])
        accounts = next(each for each in self.programs if isinstance(each, Accounts))
        accounts.users.setdefault(name, Account(self.groups[name], "", f"/home/{name}", "/usr/sbin/nologin"))


def built(
    platform: Recorded,
    hostname: str,
    *,
    files: Mapping[str, bytes | str | Node] | None = None,
    packages: Sequence[str] | Mapping[str, str] = (),
    archive: Mapping[str, str] | None = None,
    brings: Mapping[str, Brought] | None = None,
    services: Mapping[str, str | Unit] | None = None,
    users: Collection[str] | Mapping[str, int] = (),
    groups: Collection[str] | Mapping[str, int] = (),
    repositories: Mapping[str, Mapping[str, bytes | str]] | None = None,
    web: Mapping[str, WebAnswer] | None = None,
    programs: Sequence[str] = (),
) -> Machine:
    """A machine of a platform, with this on it."""
    host = Machine(
        users={name: row[0] for name, row in platform.users.items()},
        groups=dict(platform.groups),
        programs=[teaching.Lessons(), *teaching.taught()],
        paths=[*platform.programs, *programs],
        web=dict(web or {}),
    )
    host.platform, host.brings = platform, {**arrivals.known(), **(brings or {})}
    for folder in _FOLDERS:
        host._folder(folder)
    if platform.facts["platform"]["init"] == "systemd":
        host.add("/run/systemd/system", Node("directory", mode=0o755))
    if platform.facts["platform"]["init"] == "openrc":
        host.add("/run/openrc/softlevel", "default\n")
    host.add("/etc/os-release", platform.os_release)
    host.add("/etc/hostname", f"{hostname}\n")
    host.nodes["/tmp"].mode = host.nodes["/var/tmp"].mode = 0o1777
    _accounts(host, platform, users, groups)
    _install(host, packages, archive)
    for name, state in (services or {}).items():
        host.units.pop(name, None)
        host.serve(name, _unit(name, state))
    for path, what in (files or {}).items():
        host.add(path, what)
    next(each for each in host.programs if isinstance(each, Git)).repositories |= repositories or {}
    return host


def _accounts(
    host: Machine,
    platform: Recorded,
    users: Collection[str] | Mapping[str, int],
    groups: Collection[str] | Mapping[str, int],
) -> None:
    accounts = next(each for each in host.programs if isinstance(each, Accounts))
    for name, (_, gid, home, shell) in platform.users.items():
        accounts.users[name] = Account(gid, "", home, shell, password="*")
    for number, group in enumerate(groups, 1000):
        host.groups[group] = groups[group] if isinstance(groups, Mapping) else number
    for number, user in enumerate(users, 2000):
        uid = users[user] if isinstance(users, Mapping) else number
        host.users[user] = uid
        accounts.users[user] = Account(host.groups.setdefault(user, uid), "", f"/home/{user}", "/bin/bash")
        host.add(f"/home/{user}", Node("directory", mode=0o755, uid=uid, gid=host.groups[user]))


def _install(host: Machine, packages: Sequence[str] | Mapping[str, str], archive: Mapping[str, str] | None) -> None:
    manager = host.platform.facts["platform"]["package_manager"]
    model: Any = next((each for each in host.programs if teaching.module_of(each) == manager), None)
    host.manager = model
    if model is None:
        assert not packages, f"the machine in memory has not been taught {manager}: it cannot have packages yet"
        return
    one = manager == "apt"  # the others' archives have several versions of a package
    stock = {name: version if one else (version,) for name, version in (archive or {}).items()}
    model.archive, host.mirror = stock, stock if archive is None else None
    versions = packages if isinstance(packages, Mapping) else (archive or {})
    wanted = {name: versions.get(name, "1.0") for name in packages}
    if hasattr(model, "put"):
        model.put(wanted, host)
    elif isinstance(host.packages, dict):
        host.packages.update(wanted)
    host.unpack(starts=True)


def _unit(name: str, state: str | Unit) -> Unit:
    if isinstance(state, Unit):
        return state
    if state not in _STATES:
        raise ValueError(
            f"services={{{name!r}: {state!r}}} must be running, stopped, disabled or broken"
            f"{did_you_mean(state, _STATES)}"
        )
    return Unit(**vars(_STATES[state]))
