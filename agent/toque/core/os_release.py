"""Which system a machine is, by its os-release file, and the family of systems it belongs to."""

from __future__ import annotations

import shlex

from toque.core.host import Host

PATHS = ("/etc/os-release", "/usr/lib/os-release")

_FAMILIES = {
    "alpine": "alpine",
    "arch": "arch",
    "centos": "rhel",
    "debian": "debian",
    "fedora": "rhel",
    "opensuse": "suse",
    "rhel": "rhel",
    "suse": "suse",
    "ubuntu": "debian",
}

_MANAGERS = {"apt-get": "debian", "dnf": "rhel", "yum": "rhel", "zypper": "suse", "pacman": "arch", "apk": "alpine"}


def package_managers(family: str) -> list[str]:
    """The programs that manage packages, the family's own first: others may be installed as well."""
    return sorted(_MANAGERS, key=lambda program: _MANAGERS[program] != family)


def parse(text: str) -> dict[str, str]:
    """The names and values of an os-release file."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {key.strip(): "".join(shlex.split(value)) for key, value in pairs}


def family(name: str, like: str) -> str:
    """The family of a system by its ID, else by the first of ID_LIKE that we know, else its own name."""
    return next((_FAMILIES[each] for each in (name, *like.lower().split()) if each in _FAMILIES), name)


def names_of(host: Host) -> tuple[str, str]:
    """The machine's own name (`fedora`) and its family's (`rhel`); `linux` where it does not say."""
    for path in PATHS:
        content = host.read(path)
        if content is not None:
            release = parse(content.decode(errors="replace"))
            name = release.get("ID", "linux").lower()
            return name, family(name, release.get("ID_LIKE", ""))
    return "linux", "linux"


def family_of(host: Host) -> str:
    return names_of(host)[1]
