"""node.platform: which system this is, and how it starts services and installs packages."""

from __future__ import annotations

import os
from pathlib import Path

from toque.core.node import Platform
from toque.core.os_release import PATHS, family, parse

_MANAGERS = {
    "apt": "usr/bin/apt-get",
    "dnf": "usr/bin/dnf",
    "yum": "usr/bin/yum",
    "zypper": "usr/bin/zypper",
    "apk": "sbin/apk",
    "pacman": "usr/bin/pacman",
}


def collect(root: Path = Path("/")) -> Platform:
    """From /etc/os-release (or /usr/lib/os-release), /proc/1 and the programs that are there."""
    release = _release(root)
    name = release.get("ID", "linux").lower()
    return Platform(
        family=family(name, release.get("ID_LIKE", "")),
        name=name,
        version=release.get("VERSION_ID", ""),
        codename=release.get("VERSION_CODENAME", ""),
        kernel=os.uname().release,
        init=init(root),
        package_manager=next((name for name, path in _MANAGERS.items() if (root / path).exists()), ""),
    )


def init(root: Path) -> str:
    """What starts services here: systemd where it runs (it makes this folder first), else what is installed."""
    if (root / "run/systemd/system").is_dir():
        return "systemd"
    if (root / "run/openrc/softlevel").exists():
        return "openrc"
    try:
        first = (root / "proc/1/comm").read_text().strip()
    except OSError:
        first = ""
    return "sysv" if first == "init" and (root / "etc/inittab").exists() else "supervisor"


def _release(root: Path) -> dict[str, str]:
    for path in PATHS:
        try:
            text = (root / path.lstrip("/")).read_text(errors="replace")
        except OSError:
            continue
        return parse(text)
    return {}
