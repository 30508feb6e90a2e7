"""How packages are looked at, installed and removed: one file per package manager.

A new one is a file here with a class like `Apt`, a line in `_KINDS`, and its family in `toque.core.os_release`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

from toque.core import Host, ToqueError
from toque.core.errors import did_you_mean
from toque.core.os_release import family_of, package_managers
from toque.platforms.package.terms import NotSupported, Scope, Step, Terms

__all__ = [
    "NoPackageManager",
    "NoSuchPackage",
    "NotSupported",
    "Packages",
    "Repositories",
    "Scope",
    "Step",
    "Terms",
    "packages_of",
    "repositories_of",
]


class Packages(Protocol):
    """A package manager. Names are checked by whoever calls; versions are in the manager's own words.

    What this system has nothing like raises NotSupported, with the reason.
    """

    def installed(self, names: Sequence[str], *, remains: bool = False) -> Mapping[str, str]:
        """The version of each of these that is installed; with `remains` also those of which configuration is left."""

    def outdated(self, names: Sequence[str]) -> list[str]:
        """Those of these installed packages of which the lists have a newer version."""

    def held(self, names: Sequence[str]) -> list[str]:
        """Those of these that upgrades leave as they are."""

    def versions(self, name: str) -> list[str]:
        """The versions that the lists have, in any order."""

    def compare(self, one: str, other: str) -> int:
        """Below zero when `one` is the older version, above when it is the newer."""

    def in_file(self, path: str) -> tuple[str, str]:
        """Name and version of the package in a file."""

    def index(self) -> str:
        """A digest of the lists on this machine; empty when there are none."""

    def is_fresh(self, seconds: int) -> bool:
        """Whether the lists are there, and were fetched less than so many seconds ago."""

    def refresh(self, names: Sequence[str]) -> list[str]:
        """See to it that the lists are there and not old; returns the names that they do not have."""

    def update(self) -> None:
        """Fetch the lists."""

    def similar(self, name: str) -> list[str]:
        """Names in the lists that begin alike."""

    def install(self, names: Sequence[str], *, version: str | None = None, downgrade: bool = False) -> None:
        """Install or bring to the newest (or the named) version, all in one transaction."""

    def install_file(self, path: str, *, downgrade: bool = False) -> None:
        """Install the package in a file, with what it needs from the lists."""

    def remove(self, names: Sequence[str], *, purge: bool = False) -> None: ...

    def hold(self, names: Sequence[str]) -> None: ...

    def unhold(self, names: Sequence[str]) -> None: ...

    def answer(self, names: Sequence[str], answers: Mapping[str, str]) -> None:
        """Lay down what the packages would ask while they are configured."""

    def reconfigure(self, names: Sequence[str]) -> None: ...

    def pending(self, scope: Scope) -> list[Step]:
        """What an upgrade of the system would do, by the lists on the machine."""

    def upgrade(self, scope: Scope) -> None: ...

    def needs_reboot(self) -> bool:
        """Whether what was upgraded takes effect only with a restart of the machine."""


class Repositories(Protocol):
    """A package manager that keeps its repositories in files as yum did."""

    def update_repository(self, name: str) -> None:
        """Fetch the lists of one repository."""


class NoPackageManager(ToqueError):
    def __init__(self) -> None:
        looked = " or ".join(_KINDS)
        super().__init__(f"this machine has no package manager that Toque knows: there is no {looked} on it")


class NoSuchPackage(ToqueError):
    """A name that is still not in the package lists after they were brought up to date."""

    def __init__(self, names: Sequence[str], similar: Sequence[str]) -> None:
        self.names = tuple(names)
        hint = did_you_mean(names[0], similar)
        super().__init__(f"no package is called {' or '.join(repr(name) for name in names)}{hint}")


_KINDS = {
    "apt-get": ("apt", "Apt"),
    "dnf": ("dnf", "Dnf"),
    "yum": ("dnf", "Yum"),
    "zypper": ("zypper", "Zypper"),
    "pacman": ("pacman", "Pacman"),
    "apk": ("apk", "Apk"),
}
"""By program: the module and the class."""


def packages_of(host: Host, terms: Terms | None = None) -> Packages:
    """The package manager of this machine: that of its family of systems, else one that is there.

    Raises NoPackageManager.
    """
    for program in package_managers(family_of(host)):
        if host.which(program) is not None:
            module, kind = _KINDS[program]
            loaded = import_module(f"toque.platforms.package.{module}")
            manager: Packages = getattr(loaded, kind)(host, terms or Terms())
            return manager
    raise NoPackageManager()


def repositories_of(host: Host) -> Repositories:
    """The package manager of this machine, if it is one of those; raises NotSupported, or NoPackageManager."""
    manager: Any = packages_of(host)
    if not hasattr(manager, "update_repository"):
        title = getattr(manager, "title", "another package manager")
        raise NotSupported(f"yum_repository is for dnf, yum and zypper: this system has {title}")
    found: Repositories = manager
    return found
