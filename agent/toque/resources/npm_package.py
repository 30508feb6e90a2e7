"""npm_package: packages of Node, for all of the machine or in a project's folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

from toque.core import BadProperty, Change, Host, Ran, Resource, ToqueError, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import absolute
from toque.core.planned import Planned
from toque.core.variables import check_variables

_NAME = re.compile(r"(@[a-z0-9~][a-z0-9._~-]*/)?[A-Za-z0-9~][A-Za-z0-9._~-]*")
_EXACT = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]+)?")
_RANGE = re.compile(r"[\^~<>=0-9][\^~<>=0-9A-Za-z.*+ |-]*")
_SOURCE = re.compile(r"/[^\0\n]*|(https|http|git\+https|git\+ssh)://\S+")
_AS_LOCKED = "as package-lock.json says"
_QUIET = {"audit": "false", "fund": "false", "loglevel": "error", "progress": "false", "update_notifier": "false"}


@dataclass(frozen=True)
class NpmState:
    version: str | None = None
    outdated: tuple[str, ...] | None = None
    tree: str | None = None


@resource("npm_package")
@dataclass(frozen=True)
class NpmPackage(Resource[NpmState]):
    """Keep a package of Node installed, or away, or a project's packages as its lock file says.

    name        the package: "pm2", "@babel/core"; none with ci=True
    path        the folder of a project, to install into; without it the package is there for all of the machine
    version     one such as "5.3.0", or a range such as "^5.3" or ">=5 <7"
    source      where it comes from, if not the registry: a folder or tarball on the machine, or a URL
    ci          True: what `path` has of packages is exactly what its package-lock.json names (npm ci)
    production  True: without what is for development only
    upgrade     True: the newest that the registry has and the version allows; the registry is asked in each run
    scripts     False: packages run none of their own programs while they are installed
    registry    the registry's address
    user        who installs; without it the owner of `path`, else root
    environment   more environment, such as a token that the .npmrc names, as a Secret
    options     more arguments for npm
    present     False removes

        package("npm")
        npm_package("pm2", version="^5.3")
        npm_package(path="/srv/shop/current", ci=True, production=True)
    """

    name: str = ""
    _: KW_ONLY
    path: str | None = None
    version: str | None = None
    source: str | None = None
    ci: bool = False
    production: bool = False
    upgrade: bool = False
    scripts: bool = True
    registry: str | None = None
    user: str | None = None
    environment: Mapping[str, str] | None = None
    options: Sequence[str] = ()
    present: bool = True

    def __post_init__(self) -> None:
        if self.ci and (self.name or self.path is None or self.version or self.source or self.upgrade):
            raise BadProperty("npm_package ci=True goes with path, and without name, version, source and upgrade")
        if not self.ci and not _NAME.fullmatch(self.name):
            raise BadProperty(f"npm_package name must be one such as pm2 or @babel/core, got {self.name!r}")
        if self.path is not None:
            absolute("npm_package", self.path)
        if self.version is not None and not _RANGE.fullmatch(self.version):
            raise BadProperty(
                f"npm_package version must be one such as '5.3.0' or a range such as '^5.3', got {self.version!r}"
            )
        if self.source is not None and not _SOURCE.fullmatch(self.source):
            raise BadProperty(f"npm_package source must be an absolute path or a URL, got {self.source!r}")
        if self.source is not None and self.upgrade:
            raise BadProperty("npm_package upgrade asks the registry, and goes without source")
        if self.registry is not None and not self.registry.startswith(("https://", "http://")):
            raise BadProperty(f"npm_package registry must be https://…, got {self.registry!r}")
        if self.user is not None:
            check_name("npm_package user:", self.user)
        check_variables("npm_package", self.environment)
        if not self.present and (self.ci or self.version or self.upgrade):
            raise BadProperty("npm_package present=False goes with a name, and without version and upgrade")

    def desired(self) -> NpmState | None:
        if not self.present:
            return None
        return NpmState(self.version, () if self.upgrade else None, _AS_LOCKED if self.ci else None)

    def current(self, host: Host) -> NpmState | None:
        if self.ci:
            return self._tree(host)
        root = self._root(host)
        if root is None:
            return None
        said = _read(host, f"{root}/{self.name}/package.json")
        if said is None:
            return None
        version = str(said.get("version", ""))
        outdated = None
        if self.upgrade and self.present:
            newest = self._newest(host)
            outdated = () if newest == version else (f"{self.name} {newest}",)
        return NpmState(self.version if self._fits(host, version) else version, outdated)

    def apply(self, host: Host, change: Change[NpmState]) -> None:
        if host.which("npm") is None:
            raise ToqueError('npm is not on this machine: package("npm") comes first')
        if change.want is None:
            self._npm(host, "uninstall", *self._where, *self.options, "--", self.name)
            return
        terms = [*(["--omit=dev"] if self.production else []), *([] if self.scripts else ["--ignore-scripts"])]
        if self.ci:
            if host.read(f"{self.path}/package-lock.json") is None:
                raise ToqueError(f"there is no package-lock.json in {self.path}, which ci=True goes by")
            self._npm(host, "ci", *terms, *self.options)
            return
        wanted = self.version if self.version or not self.upgrade else "latest"
        what = self.source or (f"{self.name}@{wanted}" if wanted else self.name)
        self._npm(host, "install", *self._where, *terms, *self.options, "--", what)

    def foretell(self, plan: Planned, change: Change[NpmState]) -> None:
        if self.path is not None:
            plan.cloud(f"{self.path}/node_modules")

    def identity(self) -> str:
        return self.name or str(self.path)

    @property
    def _where(self) -> list[str]:
        return ["--global"] if self.path is None else []

    def _root(self, host: Host) -> str | None:
        """The folder that packages are in."""
        if self.path is not None:
            return f"{self.path}/node_modules"
        return None if host.which("npm") is None else self._npm(host, "root", "--global").out.strip()

    def _fits(self, host: Host, version: str) -> bool:
        if self.version is None or _EXACT.fullmatch(self.version):
            return self.version in (None, version)
        if host.which("npm") is None:
            return False
        asked = self._npm(
            host, "ls", "--json", "--depth=0", *self._where, "--", f"{self.name}@{self.version}", ok=(0, 1)
        )
        return self.name in json.loads(asked.out or "{}").get("dependencies", {})

    def _newest(self, host: Host) -> str:
        asked = f"{self.name}@{self.version}" if self.version else self.name
        said = json.loads(self._npm(host, "view", "--json", "--", asked, "version").out or "[]")
        found = said if isinstance(said, list) else [said]
        if not found:
            raise ToqueError(f"the registry has no {asked}")
        return str(found[-1])

    def _tree(self, host: Host) -> NpmState | None:
        """What npm has noted of the tree that it made, held against the lock file."""
        locked = _read(host, f"{self.path}/package-lock.json")
        made = _read(host, f"{self.path}/node_modules/.package-lock.json")
        if made is None or locked is None:
            return None
        wanted = {path: each for path, each in _packages(locked).items() if not (self.production and each.get("dev"))}
        there = _packages(made)
        # What is optional may be for another system; then npm leaves it out.
        missing = {path for path, each in wanted.items() if path not in there and not each.get("optional")}
        other = {path for path in wanted.keys() & there.keys() if _pinned(wanted[path]) != _pinned(there[path])}
        gone = {path for path in there if path in wanted and host.entry(f"{self.path}/{path}") is None}
        wrong = sorted(path.rpartition("node_modules/")[2] for path in missing | other | gone | (there.keys() - wanted))
        listed = ", ".join(wrong[:5]) + (", …" if len(wrong) > 5 else "")
        return NpmState(tree=f"otherwise in {listed}" if wrong else _AS_LOCKED)

    def _npm(self, host: Host, *words: str, ok: Sequence[int] = (0,)) -> Ran:
        env = {f"npm_config_{name}": value for name, value in _QUIET.items()}
        if self.registry is not None:
            env["npm_config_registry"] = self.registry
        user = self.user
        if user is None and self.path is not None and (folder := host.entry(self.path)) is not None and folder.uid:
            owner = host.user_name(folder.uid)
            user = None if owner.isdecimal() else owner
        env |= dict(self.environment or {})
        return host.run(["npm", *words], ok=ok, env=env, user=user, cwd=self.path or "/")


def _read(host: Host, path: str) -> dict[str, Any] | None:
    content = host.read(path)
    try:
        found = None if content is None else json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _packages(lock: Mapping[str, Any]) -> dict[str, Any]:
    return {path: each for path, each in lock.get("packages", {}).items() if "node_modules/" in path}


def _pinned(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(entry.get(key) for key in ("version", "resolved", "integrity", "link"))


npm_package = recipe_word(NpmPackage)
