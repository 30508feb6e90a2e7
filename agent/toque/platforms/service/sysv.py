"""Services that are scripts in /etc/init.d."""

from __future__ import annotations

import re

from toque.core import ToqueError
from toque.platforms.service.scripts import Scripts, script_of

_MULTI_USER = ("/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d")


class NoScript(ToqueError):
    def __init__(self, name: str) -> None:
        super().__init__(
            f"there is no service {name} on this machine: no /etc/init.d/{name}, and systemd does not run here; "
            f"install its package first, or say its command=[...]"
        )


class SysV(Scripts):
    """Scripts as SysV init has them, run by `service`."""

    missing = NoScript

    def running(self, name: str) -> bool:
        if self._host.entry(script_of(name)) is None:
            return False
        # LSB: 0 runs; 1 to 3 does not; 4 and more: nobody knows.
        return self._host.run(["service", name, "status"], ok=range(256)).code == 0

    def enabled(self, name: str) -> bool:
        return any(link[0] == "S" for link in self._links(name))

    def set_enabled(self, name: str, enabled: bool) -> None:
        self._needs_script(name)
        if not self._links(name):
            self._host.run(["update-rc.d", name, "defaults"])
        if self.enabled(name) != enabled:
            self._host.run(["update-rc.d", name, "enable" if enabled else "disable"])

    def reload(self, name: str) -> None:
        self._up(name, self._reloading(name))

    def _reloading(self, name: str) -> str:
        """The gentlest action the script has. A failed reload must not become a restart, which ends the service."""
        script = self._host.read(script_of(name)) or b""
        if re.search(rb"(?<![-\w])reload\s*[|)]", script):
            return "reload"
        return "force-reload" if b"force-reload" in script or b"init-d-script" in script else "restart"

    def _links(self, name: str) -> list[str]:
        wanted = re.compile(rf"[SK]\d\d{re.escape(name)}")
        return [link for folder in _MULTI_USER for link in self._host.names_in(folder) if wanted.fullmatch(link)]
