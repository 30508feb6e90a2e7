"""The operating system of today that is nearest to one of then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

_HEIRS: Final = {"centos": "rocky", "centos linux": "rocky", "amazon linux": "amazon"}
"""Who goes on where a distribution ended, by the names that systems report of themselves."""

_WINDOWS: Final = "windows"


class System(NamedTuple):
    """One that the server knows. `name` is what a machine reports of itself: ubuntu, amazon, …"""

    id: str
    name: str
    version: tuple[int, ...]
    supported: bool


def systems_of(records: Iterable[Mapping[str, Any]]) -> list[System]:
    """The records of DescribeOperatingSystems."""
    return [
        System(
            each["Id"],
            (each.get("ReportedName") or "").lower(),
            _version(each.get("ReportedVersion") or ""),
            each.get("Supported") is not False,
        )
        for each in records
    ]


def is_windows(name: str | None) -> bool:
    """
    >>> is_windows("Microsoft Windows Server 2012 R2 Base"), is_windows("CustomWindows"), is_windows("Amazon Linux")
    (True, True, False)
    """
    return name is not None and _WINDOWS in name.lower()


def nearest(name: str, known: Iterable[System]) -> str | None:
    """The system itself where new machines may have it; else the first of its family that came later; else None.

    A family that is unknown goes to None as well: the caller takes the server's default.
    """
    every = list(known)
    same = next((each for each in every if each.id == name), None)
    if same is not None and same.supported:
        return same.id
    family, version = (same.name, same.version) if same is not None else _guessed(name, every)
    family = _HEIRS.get(family, family)
    heirs = sorted(
        (each for each in every if each.supported and each.name == family and each.version),
        key=lambda each: each.version,
    )
    later = [each for each in heirs if each.version >= version]
    found = later[0] if later else heirs[-1] if heirs else None
    return None if found is None else found.id


def _guessed(name: str, known: Iterable[System]) -> tuple[str, tuple[int, ...]]:
    """Family and version of a name that the server does not know, such as `Ubuntu 20.04 LTS`."""
    words = name.lower().split()
    version = next((found for word in words if (found := _version(word))), ())
    families = sorted({each.name for each in known if each.name} | set(_HEIRS), key=len, reverse=True)
    text = " ".join(words)
    return next((family for family in families if text.startswith(family)), text), version


def _version(text: str) -> tuple[int, ...]:
    """
    >>> _version("22.04"), _version("LTS")
    ((22, 4), ())
    """
    parts = text.split(".")
    return tuple(int(each) for each in parts) if all(each.isdecimal() for each in parts) else ()
