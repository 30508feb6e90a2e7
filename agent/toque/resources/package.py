"""package: packages of the operating system, installed or not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.platforms.package import NoSuchPackage, packages_of

if TYPE_CHECKING:
    from toque.core.planned import Planned

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(:[a-z0-9-]+)?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+:~*-]*")


@dataclass(frozen=True)
class PackageState:
    installed: tuple[str, ...] | None = None
    version: str | None = None
    outdated: tuple[str, ...] | None = None
    """Those of which a newer version is to be had; wanted is none of them."""


@resource("package")
@dataclass(frozen=True)
class Package(Resource[PackageState]):
    """Keep a package, or several in one transaction, installed or away.

    name         the name, or a list of names
    version      the version that shall be installed, e.g. "1.22.1-9" or "1.22.*"; for a single package
    upgrade      True: the newest version that the package lists on the machine have
    recommends   False leaves out what a package only recommends
    downgrade    a newer version than the one named may be replaced
    options      more arguments for the package manager, e.g. ["-t", "bookworm-backports"]
    present      False removes
    purge        with present=False: also the configuration that packages leave behind

    Package lists are fetched when they are missing, older than a day, or do not have a name. A lock that another
    package manager holds is waited for, ten minutes at most. Configuration files that were changed on the machine are
    kept. Nothing needs root when there is nothing to do.

        package("nginx")
        package(["git", "unzip"], recommends=False)
        package("telnetd", present=False)
    """

    name: str | Sequence[str]
    _: KW_ONLY
    version: str | None = None
    upgrade: bool = False
    recommends: bool = True
    downgrade: bool = False
    options: Sequence[str] = ()
    present: bool = True
    purge: bool = False

    def __post_init__(self) -> None:
        if not self._names:
            raise BadProperty("package needs a name, or a list with at least one")
        for name in self._names:
            if not _NAME.fullmatch(name):
                raise BadProperty(f"package name must be letters, digits and . + - _, got {name!r}")
        if self.version is not None and not _VERSION.fullmatch(self.version):
            raise BadProperty(f"package version must be a version such as '1.22.1-9' or '1.22.*', got {self.version!r}")
        if self.version is not None and (len(self._names) > 1 or self.upgrade):
            raise BadProperty("package version goes with a single name and without upgrade")

    def desired(self) -> PackageState | None:
        if not self.present:
            return None
        return PackageState(self._names, self.version, outdated=() if self.upgrade else None)

    def current(self, host: Host) -> PackageState | None:
        manager = packages_of(host)
        found = manager.installed(self._names, remains=self.purge and not self.present)
        if not found:
            return None
        return PackageState(
            installed=tuple(name for name in self._names if name in found),
            version=self._named(found[self._names[0]]) if len(self._names) == 1 else None,
            outdated=tuple(manager.outdated(list(found))) if self.upgrade else None,
        )

    def apply(self, host: Host, change: Change[PackageState]) -> None:
        manager = packages_of(host)
        if change.want is None:
            held = manager.installed(self._names, remains=self.purge)
            manager.remove(list(held), purge=self.purge, options=self.options)
            return
        unknown = manager.refresh(self._names)
        if unknown:
            raise NoSuchPackage(unknown, manager.similar(unknown[0]))
        manager.install(
            self._to_install(change),
            version=self.version,
            recommends=self.recommends,
            downgrade=self.downgrade,
            options=self.options,
        )

    def foretell(self, plan: Planned, change: Change[PackageState]) -> None:
        plan.packages(self._names)

    @property
    def _names(self) -> tuple[str, ...]:
        return (self.name,) if isinstance(self.name, str) else tuple(dict.fromkeys(self.name))

    def _named(self, version: str) -> str:
        """The installed version, in the recipe's words where they fit it."""
        return self.version if self.version is not None and fnmatchcase(version, self.version) else version

    def _to_install(self, change: Change[PackageState]) -> list[str]:
        there = change.was.installed or () if change.was is not None else ()
        outdated = change.was.outdated or () if change.was is not None else ()
        return [name for name in self._names if name not in there or name in outdated or "version" in change]


package = recipe_word(Package)
