"""gem_package: packages of Ruby."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Ran, Resource, ToqueError, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import absolute
from toque.core.planned import Planned
from toque.core.variables import check_variables

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_PROGRAM = re.compile(r"/[^\0\n]*|[A-Za-z0-9][A-Za-z0-9._+-]*")
_EXACT = re.compile(r"[0-9][0-9A-Za-z.-]*")
_CLAUSE = re.compile(r"(=|!=|>=|<=|~>|>|<)? *[0-9][0-9A-Za-z.-]*")
_SOURCE = re.compile(r"/[^\0\n]*\.gem|(https|http|file)://\S+")
_DEFAULT = "default: "


@dataclass(frozen=True)
class GemState:
    version: str | None = None
    outdated: tuple[str, ...] | None = None


@resource("gem_package")
@dataclass(frozen=True)
class GemPackage(Resource[GemState]):
    """Keep a gem of Ruby installed, or away. Several versions of one may be there, side by side.

    name         the gem
    version      one such as "7.0.4", or a range such as "~> 7.0" or ">= 6, < 8"
    source       where it comes from: a .gem file on the machine, or the address of a gem server (that alone is asked)
    gem_binary   the program: "gem" (without it), "gem3.1", or the path of another Ruby's
    install_dir  a folder for the gems, instead of the one that Ruby has
    upgrade      True: the newest that the server has and the version allows; the server is asked in each run
    user         who installs; without it root
    environment  more environment, such as what its extensions are compiled with
    options      more arguments for `gem install`, e.g. ["--ignore-dependencies"]
    present      False removes it: all its versions, or the one that `version` names

    Documentation is not installed. A gem that belongs to Ruby itself counts as there, and is never removed.

        package("ruby")
        gem_package("rake", version="~> 13.0")
        gem_package("puma", present=False)
    """

    name: str
    _: KW_ONLY
    version: str | None = None
    source: str | None = None
    gem_binary: str = "gem"
    install_dir: str | None = None
    upgrade: bool = False
    user: str | None = None
    environment: Mapping[str, str] | None = None
    options: Sequence[str] = ()
    present: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadProperty(f"gem_package name must be letters, digits and . - _, got {self.name!r}")
        if self.version is not None and not all(_CLAUSE.fullmatch(each.strip()) for each in self.version.split(",")):
            raise BadProperty(
                f"gem_package version must be one such as '7.0.4', '~> 7.0' or '>= 6, < 8', got {self.version!r}"
            )
        if self.source is not None and not _SOURCE.fullmatch(self.source):
            raise BadProperty(f"gem_package source must be the path of a .gem file or https://…, got {self.source!r}")
        if not _PROGRAM.fullmatch(self.gem_binary):
            raise BadProperty(f"gem_package gem_binary must be a program or its path, got {self.gem_binary!r}")
        if self.install_dir is not None:
            absolute("gem_package", self.install_dir)
        if self.user is not None:
            check_name("gem_package user:", self.user)
        check_variables("gem_package", self.environment)
        if not self.present and self.upgrade:
            raise BadProperty("gem_package present=False goes without upgrade")

    def desired(self) -> GemState | None:
        return GemState(self.version, () if self.upgrade else None) if self.present else None

    def current(self, host: Host) -> GemState | None:
        if host.which(self.gem_binary) is None:
            return None
        there = self._versions(self._gem(host, "list", "--local", "--exact", self.name).out)
        if not self.present:
            there = [each for each in there if not each.startswith(_DEFAULT)]
            there = there if self.version is None or self._has(host, there) else []
        if not there:
            return None
        versions = [each.removeprefix(_DEFAULT) for each in there]
        outdated = None
        if self.upgrade:
            newest = self._newest(host)
            outdated = () if newest in versions else (f"{self.name} {newest}",)
        return GemState(self.version if self._has(host, versions) else ", ".join(versions), outdated)

    def apply(self, host: Host, change: Change[GemState]) -> None:
        if host.which(self.gem_binary) is None:
            raise ToqueError(f'{self.gem_binary} is not on this machine: package("ruby") comes first')
        version = ["--version", self.version] if self.version is not None else []
        if change.want is None:
            self._gem(host, "uninstall", "--all", "--executables", *version, self.name)
            return
        what = [self.name, *version]
        if self.source is not None and self.source.startswith("/"):
            what = ["--local", self.source]
        self._gem(host, "install", "--no-document", *self._sources, *self.options, *what)

    def foretell(self, plan: Planned, change: Change[GemState]) -> None:
        if self.install_dir is not None:
            plan.cloud(self.install_dir)

    @property
    def _sources(self) -> list[str]:
        remote = self.source is not None and not self.source.startswith("/")
        return ["--clear-sources", "--source", str(self.source)] if remote else []

    def _has(self, host: Host, versions: Sequence[str]) -> bool:
        if self.version is None or self.version in versions:
            return True
        if _EXACT.fullmatch(self.version):
            return False
        asked = self._gem(
            host, "list", "--local", "--exact", self.name, "--installed", "--version", self.version, ok=(0, 1)
        )
        return asked.code == 0

    def _newest(self, host: Host) -> str:
        version = ["--version", self.version] if self.version is not None else []
        said = self._gem(host, "list", "--remote", "--exact", self.name, *version, *self._sources).out
        found = self._versions(said)
        if not found:
            raise ToqueError(f"the gem server has no {self.name} {self.version or ''}".rstrip())
        return found[0]

    def _versions(self, said: str) -> list[str]:
        """`rake (13.0.6, default: 12.3)`, of each version the number without the platform."""
        line = next((line for line in said.splitlines() if line.startswith(f"{self.name} (")), "()")
        listed = line[line.index("(") + 1 : line.rindex(")")].split(", ")
        return [
            f"{_DEFAULT * each.startswith(_DEFAULT)}{each.removeprefix(_DEFAULT).split()[0]}" for each in listed if each
        ]

    def _gem(self, host: Host, *words: str, ok: Sequence[int] = (0,)) -> Ran:
        own = {} if self.install_dir is None else {"GEM_HOME": self.install_dir, "GEM_PATH": self.install_dir}
        return host.run(
            [self.gem_binary, *words], ok=ok, env=own | dict(self.environment or {}), user=self.user, cwd="/"
        )


gem_package = recipe_word(GemPackage)
