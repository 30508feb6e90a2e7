"""How packages are looked at, installed and removed: one file per package manager.

A new one is a file here with a class like `Apt`, and a line in `_KINDS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from toque.core import Host, ToqueError
from toque.core.errors import did_you_mean
from toque.platforms.package.apt import Apt


class Packages(Protocol):
    """A package manager. Names are checked by whoever calls; versions are in the manager's own words."""

    def installed(self, names: Sequence[str], *, remains: bool = False) -> Mapping[str, str]:
        """The version of each of these that is installed; with `remains` also those of which configuration is left."""

    def outdated(self, names: Sequence[str]) -> list[str]:
        """Those of these installed packages of which the lists have a newer version."""

    def refresh(self, names: Sequence[str]) -> list[str]:
        """See to it that the lists are there and not old; returns the names that they do not have."""

    def similar(self, name: str) -> list[str]:
        """Names in the lists that begin alike."""

    def install(
        self,
        names: Sequence[str],
        *,
        version: str | None = None,
        recommends: bool = True,
        downgrade: bool = False,
        options: Sequence[str] = (),
    ) -> None:
        """Install or bring to the newest (or the named) version, all in one transaction."""

    def remove(self, names: Sequence[str], *, purge: bool = False, options: Sequence[str] = ()) -> None: ...


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


_KINDS = {"apt-get": Apt}


def packages_of(host: Host) -> Packages:
    """The package manager of this machine; raises NoPackageManager."""
    for program, kind in _KINDS.items():
        if host.which(program) is not None:
            return kind(host)
    raise NoPackageManager()
