"""bundle: the gems that a Ruby project's Gemfile names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Ran, Resource, ToqueError, recipe_word, resource
from toque.core.accounts import check_name
from toque.core.files import absolute
from toque.core.planned import Planned
from toque.core.variables import check_variables

_PROGRAM = re.compile(r"/[^\0\n]*|[A-Za-z0-9][A-Za-z0-9._+-]*")
_GROUP = re.compile(r"[A-Za-z0-9_-]+")
_SETTING = re.compile(r"(?P<name>BUNDLE_[A-Z_]+): \"?(?P<value>.*?)\"?")


@dataclass(frozen=True)
class BundleState:
    installed: bool | None = None
    vendor: str | None = None
    deployment: bool | None = None
    without: tuple[str, ...] | None = None


@resource("bundle")
@dataclass(frozen=True)
class Bundle(Resource[BundleState]):
    """Keep the gems installed that a project names in its Gemfile: what `bundle install` does.

    path         the folder of the project, with the Gemfile
    vendor       where the gems go, absolute or below `path`; without it where bundler puts them
    deployment   True: exactly what Gemfile.lock says, and nothing if the two do not fit; below vendor/bundle
    without      groups that are left out, such as ["development", "test"]; [] leaves none out
    jobs         how many gems are installed at the same time
    bundle_binary  the program: "bundle" (without it), or the path of another Ruby's
    user         who installs; without it the owner of `path`
    environment  more environment; a key of a private gem server as a Secret, such as
                 {"BUNDLE_GEMS__EXAMPLE__ORG": Secret("user:key")}
    options      more arguments for `bundle install`

    `vendor`, `deployment` and `without` are kept in the project's .bundle/config, where `bundle exec` finds them. A
    Gemfile is a program: looking whether all is installed (`bundle check`) runs it, as the same user.

        package(["ruby", "bundler"])
        bundle("/srv/shop/current", deployment=True, without=["development", "test"], user="deploy")
    """

    path: str
    _: KW_ONLY
    vendor: str | None = None
    deployment: bool | None = None
    without: Sequence[str] | None = None
    jobs: int | None = None
    bundle_binary: str = "bundle"
    user: str | None = None
    environment: Mapping[str, str] | None = None
    options: Sequence[str] = ()

    def __post_init__(self) -> None:
        absolute("bundle", self.path)
        if self.vendor is not None and (not self.vendor or self.vendor[0] == "-" or not self.vendor.isprintable()):
            raise BadProperty(f"bundle vendor must be a folder, absolute or below path, got {self.vendor!r}")
        for group in self.without or ():
            if not _GROUP.fullmatch(group):
                raise BadProperty(f"bundle without must be names of groups such as development, got {group!r}")
        if self.jobs is not None and self.jobs < 1:
            raise BadProperty(f"bundle jobs must be 1 or more, got {self.jobs}")
        if not _PROGRAM.fullmatch(self.bundle_binary):
            raise BadProperty(f"bundle bundle_binary must be a program or its path, got {self.bundle_binary!r}")
        if self.user is not None:
            check_name("bundle user:", self.user)
        check_variables("bundle", self.environment)

    def desired(self) -> BundleState:
        without = None if self.without is None else tuple(sorted(set(self.without)))
        return BundleState(True, self.vendor, self.deployment, without)

    def current(self, host: Host) -> BundleState | None:
        if host.which(self.bundle_binary) is None or host.read(f"{self.path}/Gemfile") is None:
            return None
        settings = self._settings(host)
        return BundleState(
            installed=self._bundle(host, "check", ok=range(256)).code == 0,
            vendor=settings.get("BUNDLE_PATH"),
            deployment=settings.get("BUNDLE_DEPLOYMENT") == "true",
            without=tuple(sorted(filter(None, re.split("[: ]", settings.get("BUNDLE_WITHOUT", ""))))),
        )

    def apply(self, host: Host, change: Change[BundleState]) -> None:
        if host.which(self.bundle_binary) is None:
            raise ToqueError(f'{self.bundle_binary} is not on this machine: package("bundler") comes first')
        if host.read(f"{self.path}/Gemfile") is None:
            raise ToqueError(f"there is no Gemfile in {self.path}")
        if "vendor" in change:
            self._set(host, "path", self.vendor or "")
        if "deployment" in change:
            self._set(host, "deployment", "true" if self.deployment else "")
        if "without" in change:
            self._set(host, "without", ":".join(sorted(set(self.without or ()))))
        jobs = [] if self.jobs is None else ["--jobs", str(self.jobs)]
        self._bundle(host, "install", "--quiet", *jobs, *self.options)

    def foretell(self, plan: Planned, change: Change[BundleState]) -> None:
        vendor = "vendor/bundle" if self.vendor is None else self.vendor
        for place in (".bundle", "Gemfile.lock", vendor):
            plan.cloud(place if place.startswith("/") else f"{self.path}/{place}")

    def _set(self, host: Host, name: str, value: str) -> None:
        """Note it in the project's own configuration; without a value take the note away."""
        self._bundle(host, "config", *(["set", "--local", name, value] if value else ["unset", "--local", name]))

    def _settings(self, host: Host) -> dict[str, str]:
        text = (host.read(f"{self.path}/.bundle/config") or b"").decode(errors="replace")
        found = (_SETTING.fullmatch(line) for line in text.splitlines())
        return {each["name"]: each["value"] for each in found if each is not None}

    def _bundle(self, host: Host, *words: str, ok: Sequence[int] = (0,)) -> Ran:
        user = self.user
        if user is None and (folder := host.entry(self.path)) is not None and folder.uid:
            owner = host.user_name(folder.uid)
            user = None if owner.isdecimal() else owner
        return host.run([self.bundle_binary, *words], ok=ok, env=dict(self.environment or {}), user=user, cwd=self.path)


bundle = recipe_word(Bundle)
