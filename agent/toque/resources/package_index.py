"""package_index: the package lists of this machine, not older than this."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field

from toque.core import BadProperty, Change, Host, Resource, recipe_word, resource
from toque.core.variables import check_variables
from toque.platforms.package import Terms, packages_of
from toque.platforms.package.terms import LOCK_WAIT, MAX_AGE


@dataclass(frozen=True)
class PackageIndexState:
    fresh: bool


@resource("package_index")
@dataclass(frozen=True)
class PackageIndex(Resource[PackageIndexState]):
    """Keep the lists of the packages that are to be had fresh: `apt-get update`, `dnf makecache` and their like.

    name         what the log calls it
    max_age      seconds (86400): lists that were fetched more recently are good enough; 0 fetches in each run
    environment  more environment for the package manager, e.g. a proxy
    lock_timeout  seconds (600) to wait for a lock that another package manager holds

    It counts as changed only if what was fetched differs from what was there; a plan says that it would be fetched.
    `package` sees to its lists itself: this is for other words that read them, such as `os_upgrade`.

        package_index(max_age=3600)
    """

    name: str = "lists"
    _: KW_ONLY
    max_age: int = MAX_AGE
    environment: Mapping[str, str] | None = None
    lock_timeout: int = LOCK_WAIT
    _fetched: bool = field(default=False, init=False, repr=False, compare=False)
    _same: bool = field(default=False, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name, seconds in (("max_age", self.max_age), ("lock_timeout", self.lock_timeout)):
            if seconds < 0:
                raise BadProperty(f"package_index {name} must be seconds, 0 or more, got {seconds}")
        check_variables("package_index", self.environment)

    def desired(self) -> PackageIndexState:
        return PackageIndexState(fresh=True)

    def current(self, host: Host) -> PackageIndexState:
        manager = packages_of(host, self._terms)
        return PackageIndexState(fresh=self._fetched or manager.is_fresh(self.max_age))

    def apply(self, host: Host, change: Change[PackageIndexState]) -> None:
        manager = packages_of(host, self._terms)
        before = manager.index()
        manager.update()
        object.__setattr__(self, "_fetched", True)  # with max_age=0 nothing else could tell
        object.__setattr__(self, "_same", manager.index() == before)

    def changed_nothing(self) -> bool:
        return self._same

    @property
    def _terms(self) -> Terms:
        return Terms(environment=self.environment or {}, lock_timeout=self.lock_timeout)


package_index = recipe_word(PackageIndex)
