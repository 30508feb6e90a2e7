"""The rpm database, which dnf and zypper share, and how rpm (and pacman) compare versions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from toque.core import Host

_FORMAT = "%{NAME}\t%{ARCH}\t%{EVR}\n"
_PART = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")


def installed(host: Host, names: Sequence[str]) -> Mapping[str, str]:
    """The version of each of these that is installed, under its own name or under one that it provides."""
    found: dict[str, str] = {}
    for name, arch, version in _query(host, "--query", *names):
        found[name] = found[f"{name}.{arch}"] = version
    for name in names:
        if name not in found:
            for _, _, version in _query(host, "--query", "--whatprovides", name):
                found[name] = version
    return {name: found[name] for name in names if name in found}


def in_file(host: Host, path: str) -> tuple[str, str]:
    out = host.run(["rpm", "--query", "--package", f"--queryformat={_FORMAT}", "--", path]).out
    name, _, version = out.rstrip("\n").split("\t")
    return name, version


def compare(one: str, other: str) -> int:
    """Order two versions `epoch:version-release` as rpm does; a release that one of them lacks is not compared."""
    (epoch, version, release), (its_epoch, its_version, its_release) = _parts(one), _parts(other)
    if epoch != its_epoch:
        return -1 if epoch < its_epoch else 1
    decided = _compare(version, its_version)
    if decided == 0 and release and its_release:
        return _compare(release, its_release)
    return decided


def _query(host: Host, *arguments: str) -> list[list[str]]:
    switches = [argument for argument in arguments if argument.startswith("--")]
    names = [argument for argument in arguments if not argument.startswith("--")]
    out = host.run(["rpm", *switches, f"--queryformat={_FORMAT}", "--", *names], ok=range(256)).out
    return [line.split("\t") for line in out.splitlines() if line.count("\t") == 2]


def _parts(text: str) -> tuple[int, str, str]:
    epoch, colon, rest = text.partition(":")
    if not colon or not epoch.isdecimal():
        epoch, rest = "0", text
    version, _, release = rest.partition("-")
    return int(epoch), version, release


def _compare(one: str, other: str) -> int:
    """Segment by segment: digits as numbers and above letters, `~` before the end, `^` after it."""
    mine, its = _PART.findall(one), _PART.findall(other)
    for index in range(max(len(mine), len(its))):
        left = mine[index] if index < len(mine) else ""
        right = its[index] if index < len(its) else ""
        if left == right:
            continue
        ranks = _rank(left), _rank(right)
        if ranks[0] == ranks[1] == _NUMBER and int(left) == int(right):
            continue
        if ranks[0] != ranks[1]:
            return -1 if ranks[0] < ranks[1] else 1
        if ranks[0] == _NUMBER:
            return -1 if int(left) < int(right) else 1
        return -1 if left < right else 1
    return 0


_NUMBER = 4


def _rank(part: str) -> int:
    if part == "~":
        return 0
    if part == "":
        return 1
    if part == "^":
        return 2
    return _NUMBER if part.isdecimal() else 3
