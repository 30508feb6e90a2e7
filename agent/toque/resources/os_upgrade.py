"""os_upgrade: the packages of the operating system, in their newest versions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from toque.core import BadProperty, Change, Host, Resource, current_run, recipe_word, resource
from toque.core.variables import check_variables
from toque.platforms.package import Packages, Scope, Terms, packages_of
from toque.platforms.package.terms import LOCK_WAIT

_PATTERN = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9.+_*?-]*")


@dataclass(frozen=True)
class OsUpgradeState:
    content: bytes
    """What is left to do, a line for each package; wanted is nothing."""


@resource("os_upgrade")
@dataclass(frozen=True)
class OsUpgrade(Resource[OsUpgradeState]):
    """Bring every installed package to its newest version; the diff is the exact list of what changes.

    name         what the log calls it
    security     True: only security fixes. On Debian's family, Red Hat's and SUSE's; others do not tell them
    exclude      names that stay as they are, patterns allowed, e.g. ["linux-image-*"]; as do packages that are held
    autoremove   also remove what was installed for others only, and is needed by none of them any more
    reboot       True: where the upgrade takes effect only with a restart, ask for one at the end of the run, should it
                 succeed (/var/run/reboot-required; needs-restarting; zypper needs-rebooting)
    environment  more environment for the package manager
    lock_timeout  seconds (600) to wait for a lock that another package manager holds

    What is new, the package lists on the machine say: put `package_index` before it.

        package_index(max_age=0)
        os_upgrade(security=True, exclude=["mysql-*"], reboot=True)
    """

    name: str = "system"
    _: KW_ONLY
    security: bool = False
    exclude: Sequence[str] = ()
    autoremove: bool = False
    reboot: bool = False
    environment: Mapping[str, str] | None = None
    lock_timeout: int = LOCK_WAIT

    def __post_init__(self) -> None:
        for pattern in self.exclude:
            if not _PATTERN.fullmatch(pattern):
                raise BadProperty(f"os_upgrade exclude must be names or patterns such as 'linux-*', got {pattern!r}")
        if self.lock_timeout < 0:
            raise BadProperty(f"os_upgrade lock_timeout must be seconds, 0 or more, got {self.lock_timeout}")
        check_variables("os_upgrade", self.environment)

    def desired(self) -> OsUpgradeState:
        return OsUpgradeState(content=b"")

    def current(self, host: Host) -> OsUpgradeState:
        steps = sorted(map(str, self._packages(host).pending(self._scope)))
        return OsUpgradeState(content="".join(f"{step}\n" for step in steps).encode())

    def apply(self, host: Host, change: Change[OsUpgradeState]) -> None:
        manager = self._packages(host)
        manager.upgrade(self._scope)
        if self.reboot and manager.needs_reboot():
            current_run(self.word).request_reboot("packages were upgraded that need it")

    @property
    def _scope(self) -> Scope:
        return Scope(self.security, tuple(self.exclude), self.autoremove)

    def _packages(self, host: Host) -> Packages:
        return packages_of(host, Terms(environment=self.environment or {}, lock_timeout=self.lock_timeout))


os_upgrade = recipe_word(OsUpgrade)
