"""package: packages of the operating system, installed or not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cmp_to_key
from typing import TYPE_CHECKING

from toque.core import BadProperty, Change, Host, Resource, Secret, ToqueError, action, recipe_word, resource
from toque.core.files import absolute
from toque.core.os_release import names_of
from toque.core.variables import check_variables
from toque.platforms.package import NoSuchPackage, Packages, Terms, packages_of
from toque.platforms.package.ranges import fits, is_range
from toque.platforms.package.terms import LOCK_WAIT, MAX_AGE

if TYPE_CHECKING:
    from toque.core.planned import Planned

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*(:[a-z0-9-]+)?")
_SYSTEM = re.compile(r"[a-z0-9][a-z0-9._-]*")
_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~/_=,-]*")
_QUESTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9./_+-]*")
_OF_FILE = "that of the file"


class NoSuchVersion(ToqueError):
    """The lists have the package, but not in a version that the recipe asks for."""

    def __init__(self, name: str, wanted: str, there: Sequence[str]) -> None:
        known = f"there are: {', '.join(there)}" if there else "the package lists have none"
        super().__init__(f"{name} is not to be had in version {wanted} ({known})")


class WouldDowngrade(ToqueError):
    def __init__(self, name: str, now: str, wanted: str) -> None:
        super().__init__(f"{name} {now} is newer than {wanted}: say downgrade=True to replace it")


class HeldBack(ToqueError):
    def __init__(self, names: Sequence[str]) -> None:
        held = " and ".join(names)
        super().__init__(
            f"{held} is held at its version: say held=False to let it go, or held=True to hold what then is installed"
        )


@dataclass(frozen=True)
class PackageState:
    installed: tuple[str, ...] | None = None
    version: str | None = None
    outdated: tuple[str, ...] | None = None
    """Those of which a newer version is to be had; wanted is none of them."""
    held: bool | None = None
    here: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What is installed, under this system's own names, with the versions."""


@resource("package")
@dataclass(frozen=True)
class Package(Resource[PackageState]):
    """Keep a package, or several in one transaction, installed or away: by apt, dnf, yum, zypper, pacman or apk.

    name         the name, or a list of names
    names        what it is called elsewhere, by system ("fedora") or family of systems ("debian", "rhel", "suse",
                 "arch", "alpine"): {"rhel": "httpd"}; a list of names may stand for one
    version      the version that shall be installed: "1.22.1-9", "1.22.1" (in any packaging), "1.22.*" or a range
                 such as ">= 1.22, < 2"; of those that are to be had the newest. For a single package
    upgrade      True: the newest version that the package lists on the machine have
    downgrade    a newer version than the one named may be replaced
    held         True: upgrades of the system leave it at its version; False: they do not
    file         a package file on the machine (.deb, .rpm, …) to install it from; the file's version is then wanted
    answers      Debian's family: what the package would ask while it is configured (debconf), e.g.
                 {"postfix/mailname": "example.org"}; given before it is installed and with `reconfigure`. Passwords as
                 Secrets
    recommends   False leaves out what a package only recommends
    default_release  apt: the release to install from, e.g. "bookworm-backports"
    options      more arguments for the package manager, e.g. ["--exclude=kernel*"]
    environment  more environment for it and for the packages' own scripts
    cache_valid_time  seconds (86400) after which lists are fetched again before something is installed; 0: always
    lock_timeout  seconds (600) to wait for a lock that another package manager holds; dnf waits as long as it takes
    present      False removes
    purge        with present=False: also the configuration that packages leave behind (apt, pacman, apk)

    Which package manager it is, the system's family decides (/etc/os-release), else what is there. Package lists are
    also fetched when they are missing or do not have a name. Configuration files that were changed on the machine are
    kept. Nothing needs root when there is nothing to do. Action for `notify=[...]`: `reconfigure` (Debian's family).

        package("nginx")
        package(["git", "unzip"], recommends=False)
        package("apache2", names={"rhel": "httpd", "arch": "apache"})
        package("nginx", version=">= 1.22, < 2", held=True)
        package("telnetd", present=False)
    """

    name: str | Sequence[str]
    _: KW_ONLY
    names: Mapping[str, str | Sequence[str]] | None = None
    version: str | None = None
    upgrade: bool = False
    downgrade: bool = False
    held: bool | None = None
    file: str | None = None
    answers: Mapping[str, str | int | bool] | None = None
    recommends: bool = True
    default_release: str | None = None
    options: Sequence[str] = ()
    environment: Mapping[str, str] | None = None
    cache_valid_time: int = MAX_AGE
    lock_timeout: int = LOCK_WAIT
    present: bool = True
    purge: bool = False

    def __post_init__(self) -> None:
        if not self._names:
            raise BadProperty("package needs a name, or a list with at least one")
        for name in self._names:
            _check_name("name", name)
        for system, elsewhere in (self.names or {}).items():
            if not _SYSTEM.fullmatch(str(system)) or not _listed(elsewhere):
                raise BadProperty(f'package names must map systems to names, e.g. {{"rhel": "httpd"}}, got {system!r}')
            for name in _listed(elsewhere):
                _check_name(f"names of {system}", name)
        if self.version is not None and not is_range(self.version):
            raise BadProperty(
                f"package version must be one such as '1.22.1-9', '1.22.*' or '>= 1.22, < 2', got {self.version!r}"
            )
        if self.version is not None and (len(self._names) > 1 or self.upgrade):
            raise BadProperty("package version goes with a single name and without upgrade")
        self._check_file_and_answers()
        self._check_terms()

    def desired(self) -> PackageState | None:
        if not self.present:
            return None
        version = _OF_FILE if self.file is not None else self.version
        return PackageState(self._names, version, () if self.upgrade else None, self.held)

    def current(self, host: Host) -> PackageState | None:
        manager, here = packages_of(host, self._terms), self._here(host)
        found = manager.installed(here, remains=self.purge and not self.present)
        if not found:
            return None
        if here == self._names:
            installed = tuple(name for name in here if name in found)
        else:
            installed = self._names if len(found) == len(here) else ()
        return PackageState(
            installed=installed,
            version=self._named(host, manager, found[here[0]]) if len(here) == 1 else None,
            outdated=tuple(manager.outdated(list(found))) if self.upgrade else None,
            held=self._is_held(manager, here),
            here=found,
        )

    def apply(self, host: Host, change: Change[PackageState]) -> None:
        manager, here = packages_of(host, self._terms), self._here(host)
        there = change.was.here if change.was is not None else {}
        missing = self._to_install(change, here, there)
        held = manager.held(list(there)) if there else []
        if held and (self.held is False or (self.held and missing)):
            manager.unhold(held)
            held = []
        touched = [name for name in held if change.want is None or name in missing]
        if touched:
            raise HeldBack(touched)
        if change.want is None:
            manager.remove(list(there), purge=self.purge)
            return
        if missing:
            self._install(manager, missing, there)
        if self.held and (loose := [name for name in here if name not in held]):
            manager.hold(loose)

    @action
    def reconfigure(self, host: Host) -> None:
        """Configure it again, with the `answers`; on Debian's family."""
        manager, here = packages_of(host, self._terms), self._here(host)
        self._answer(manager, here)
        manager.reconfigure(here)

    def foretell(self, plan: Planned, change: Change[PackageState]) -> None:
        plan.packages(self._names)

    @property
    def _names(self) -> tuple[str, ...]:
        return _listed(self.name)

    @property
    def _terms(self) -> Terms:
        return Terms(
            recommends=self.recommends,
            options=self.options,
            environment=self.environment or {},
            default_release=self.default_release,
            lock_timeout=self.lock_timeout,
            max_age=self.cache_valid_time,
        )

    def _here(self, host: Host) -> tuple[str, ...]:
        """What the packages are called on this system."""
        if self.names is None:
            return self._names
        system, family = names_of(host)
        return _listed(self.names.get(system) or self.names.get(family) or self.name)

    def _named(self, host: Host, manager: Packages, version: str) -> str:
        """The installed version, in the recipe's words where they fit it."""
        if self.file is not None and self.present:
            return _OF_FILE if host.entry(self.file) is not None and self._in_file(manager) == version else version
        if self.version is not None and fits(version, self.version, manager.compare):
            return self.version
        return version

    def _in_file(self, manager: Packages) -> str:
        name, version = manager.in_file(self.file or "")
        if name != self._names[0].partition(":")[0] and self.names is None:
            raise BadProperty(f"package file {self.file} holds {name}, not {self._names[0]}")
        return version

    def _is_held(self, manager: Packages, here: tuple[str, ...]) -> bool | None:
        if self.held is None or not self.present:
            return None
        held = manager.held(here)
        return len(held) == len(here) if self.held else bool(held)

    def _to_install(
        self, change: Change[PackageState], here: Sequence[str], there: Mapping[str, str]
    ) -> tuple[str, ...]:
        outdated = change.was.outdated or () if change.was is not None else ()
        return tuple(name for name in here if name not in there or name in outdated or "version" in change)

    def _install(self, manager: Packages, names: tuple[str, ...], there: Mapping[str, str]) -> None:
        self._answer(manager, names)
        if self.file is not None:
            self._refuse_downgrade(manager, names[0], there, self._in_file(manager))
            manager.install_file(self.file, downgrade=self.downgrade)
            return
        unknown = manager.refresh(names)
        if unknown:
            raise NoSuchPackage(unknown, manager.similar(unknown[0]))
        version = None
        if self.version is not None:
            version = self._newest(manager, names[0], self.version)
            self._refuse_downgrade(manager, names[0], there, version)
        manager.install(names, version=version, downgrade=self.downgrade)

    def _newest(self, manager: Packages, name: str, wanted: str) -> str:
        """The newest version to be had among those that fit."""
        there = manager.versions(name)
        fitting = [version for version in there if fits(version, wanted, manager.compare)]
        if not fitting:
            raise NoSuchVersion(name, wanted, there)
        return max(fitting, key=cmp_to_key(manager.compare))

    def _refuse_downgrade(self, manager: Packages, name: str, there: Mapping[str, str], version: str) -> None:
        if not self.downgrade and name in there and manager.compare(there[name], version) > 0:
            raise WouldDowngrade(name, there[name], version)

    def _answer(self, manager: Packages, names: Sequence[str]) -> None:
        if self.answers:
            manager.answer(names, {question: _as_text(value) for question, value in self.answers.items()})

    def _check_file_and_answers(self) -> None:
        if self.file is not None:
            absolute("package file:", self.file)
            if self.version is not None or self.upgrade or len(self._names) > 1:
                raise BadProperty("package file goes with a single name, and says the version itself")
        if self.answers is not None and len(self._names) > 1:
            raise BadProperty("package answers goes with a single name: the package that asks")
        for question, value in (self.answers or {}).items():
            known = isinstance(question, str) and _QUESTION.fullmatch(question) is not None
            if not known or not isinstance(value, str | int) or not _as_text(value).isprintable():
                raise BadProperty(f"package answers must map questions to single lines of text; {question!r} does not")

    def _check_terms(self) -> None:
        if self.default_release is not None and not _RELEASE.fullmatch(self.default_release):
            raise BadProperty(
                f"package default_release must be a release such as 'bookworm-backports', got {self.default_release!r}"
            )
        for name, seconds in (("cache_valid_time", self.cache_valid_time), ("lock_timeout", self.lock_timeout)):
            if seconds < 0:
                raise BadProperty(f"package {name} must be seconds, 0 or more, got {seconds}")
        check_variables("package", self.environment)
        if not self.present and (self.held or self.file is not None or self.version is not None):
            raise BadProperty("package present=False goes without held=True, file and version")


def _listed(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))


def _check_name(name: str, value: str) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise BadProperty(f"package {name} must be letters, digits and . + - _, got {value!r}")


def _as_text(value: str | int | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, Secret) else str(value)


package = recipe_word(Package)
