"""node.platform: which system this is, and how it starts services and installs packages."""

from __future__ import annotations

import os
from pathlib import Path

from toque.core.node import Platform
from toque.core.os_release import PATHS, family, package_managers, parse

_PLACES = ("usr/bin", "usr/sbin", "sbin", "bin")


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
        package_manager=_package_manager(root, family(name, release.get("ID_LIKE", ""))),
    )


def _package_manager(root: Path, family: str) -> str:
    for program in package_managers(family):
        if any((root / place / program).exists() for place in _PLACES):
            return program.removesuffix("-get")
    return ""


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
