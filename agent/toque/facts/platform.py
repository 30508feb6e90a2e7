"""node.platform: which system this is, and how it starts services and installs packages."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from toque.core.node import Platform

_FAMILIES = {"debian": "debian", "ubuntu": "debian", "rhel": "rhel", "fedora": "rhel", "centos": "rhel", "suse": "suse"}
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


def family(name: str, like: str) -> str:
    """The family of a system by its os-release ID, else by the first of ID_LIKE that we know, else its own name."""
    return next((_FAMILIES[each] for each in (name, *like.lower().split()) if each in _FAMILIES), name)


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
    for path in (root / "etc/os-release", root / "usr/lib/os-release"):
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
        return {key.strip(): "".join(shlex.split(value)) for key, value in pairs}
    return {}
