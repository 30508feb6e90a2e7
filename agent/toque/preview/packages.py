"""Which packages differ, by the package manager's own list; the files that are theirs are counted, not listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Runs = Callable[[Sequence[str]], str]
"""Runs a program, of the host or of the clone, and answers what it printed; empty when it fails."""


@dataclass(frozen=True)
class Manager:
    """A package manager: how it lists packages (name, tab, version) and their files, and what is its own."""

    name: str
    database: str
    listing: tuple[str, ...]
    files: tuple[str, ...]
    own: tuple[str, ...]


MANAGERS = (
    Manager(
        "dpkg",
        "/var/lib/dpkg/status",
        ("dpkg-query", "-W", "-f=${binary:Package}\t${Version}\t${db:Status-Status}\n"),
        ("dpkg-query", "-L", "--"),
        (
            "/var/lib/dpkg",
            "/var/lib/apt",
            "/var/cache/apt",
            "/var/cache/debconf",
            "/var/log/dpkg.log",
            "/var/log/apt",
            "/var/log/alternatives.log",
            "/etc/ld.so.cache",
            "/var/cache/ldconfig",
            "/var/cache/man",
        ),
    ),
    Manager(
        "pacman",
        "/var/lib/pacman/local",
        ("pacman", "-Q"),
        ("pacman", "-Qlq", "--"),
        ("/var/lib/pacman", "/var/cache/pacman", "/var/log/pacman.log", "/etc/ld.so.cache"),
    ),
    Manager(
        "apk",
        "/lib/apk/db/installed",
        ("apk", "list", "--installed", "--manifest"),
        ("apk", "info", "-q", "-L", "--"),
        ("/lib/apk", "/var/cache/apk", "/etc/apk/world"),
    ),
    Manager(
        "rpm",
        "/var/lib/rpm",
        ("rpm", "-qa", "--qf", "%{NAME}.%{ARCH}\t%{VERSION}-%{RELEASE}\n"),
        ("rpm", "-ql", "--"),
        ("/var/lib/rpm", "/usr/lib/sysimage", "/var/lib/dnf", "/var/cache/dnf", "/var/log/dnf", "/etc/ld.so.cache"),
    ),
)


@dataclass
class PackageChange:
    """One package: its version before and after, empty where it is not installed, and how many of its files differ."""

    name: str
    was: str
    now: str
    files: int = 0

    def __str__(self) -> str:
        if not self.was:
            text = f"{self.name} {self.now} installed"
        else:
            text = f"{self.name} {self.was} removed" if not self.now else f"{self.name} {self.was} → {self.now}"
        return text + (f" ({self.files} file{'' if self.files == 1 else 's'})" if self.files else "")

    def values(self) -> dict[str, Any]:
        return {"name": self.name, "was": self.was or None, "now": self.now or None, "files": self.files}


def installed(manager: Manager, run: Runs) -> dict[str, str]:
    """Version by name of every package that is installed."""
    found = {}
    for line in run(manager.listing).splitlines():
        name, version, *state = line.split("\t") if "\t" in line else line.split()
        if state in ([], ["installed"]):
            found[name] = version
    return found


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> list[PackageChange]:
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    return [PackageChange(name, before.get(name, ""), after.get(name, "")) for name in names]


def owners_of_files(
    manager: Manager, changed: Sequence[PackageChange], host: Runs, clone: Runs
) -> dict[str, PackageChange]:
    """Whose each file is: by what the clone says of what is there now, and the host of what is gone."""
    found: dict[str, PackageChange] = {}
    for package in changed:
        for run in (host if package.was else None, clone if package.now else None):
            if run is not None:
                found |= {path: package for path in run([*manager.files, package.name]).splitlines() if path[:1] == "/"}
    return found
