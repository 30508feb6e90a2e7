"""Services of a sandbox: how its init scripts are called, and which of them a boot brings back."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

ACTIONS = frozenset({"start", "stop", "restart", "reload", "force-reload", "status"})
_STARTING = frozenset({"start", "restart", "reload", "force-reload"})
_OPENRC = "/sbin/rc-service"
_OPENRC_BOOTED = Path("/run/openrc/softlevel")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9@._+-]{0,127}")


class NoService(Exception):
    """A service that is not there, or cannot be asked for in this way."""


def script(name: str, action: str, *, exists: Callable[[str], bool] = os.path.exists) -> list[str]:
    """How to run one action of a service: through OpenRC where it is at home, else the SysV script itself.

    The script is called directly, not by invoke-rc.d: policy-rc.d is there for packages, not for those who ask by name.
    """
    if action not in ACTIONS:
        raise NoService(f"{action!r} is not one of {', '.join(sorted(ACTIONS))}")
    if not _NAME.fullmatch(name):
        raise NoService(f"{name!r} cannot be the name of a service")
    path = f"/etc/init.d/{name}"
    if not exists(path):
        raise NoService(f"there is no {path}: install the package of service {name} first")
    return [_OPENRC, name, action] if exists(_OPENRC) else [path, action]


def ready(argv: list[str]) -> list[str]:
    """The same command, when it can work: OpenRC starts nothing on a machine that, for all it knows, did not boot."""
    if argv[0] == _OPENRC and not _OPENRC_BOOTED.exists():
        _OPENRC_BOOTED.parent.mkdir(parents=True, exist_ok=True)
        _OPENRC_BOOTED.write_text("default\n")
    return argv


class Remembered:
    """The services that were started last and not stopped since, on the disk: a boot starts these again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        try:
            names: list[str] = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):  # ValueError: the sandbox was killed in the middle of a write
            return []
        return names

    def note(self, name: str, action: str) -> None:
        """Remember what became of a service; call it after the action has succeeded."""
        names = [each for each in self.names() if each != name]
        if action in _STARTING:
            names.append(name)
        elif action != "stop":
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        beside.write_text(json.dumps(names))
        beside.rename(self._path)
