"""The operating systems that stacks and instances may name (chapter 01 § 3)."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from toque_server.domain.invalid import Invalid

Family = Literal["Linux", "Windows"]

PROFILES: Final = ("12", "11.10", "11.4", "0.9", "12.2")
"""Configuration manager versions: compatibility profiles of ours (S-19)."""

DEFAULT_OS: Final = "Ubuntu 24.04 LTS"

_ALL = ("12", "11.10", "11.4", "0.9")
_LATE = ("12", "11.10")


class OperatingSystem(msgspec.Struct, frozen=True):
    """`reported_name` and `reported_version` are what an agent says of such a machine."""

    id: str
    reported_name: str | None
    reported_version: str | None
    managers: tuple[str, ...]
    supported: bool = True
    type: Family = "Linux"


def _old(id: str, name: str, version: str, managers: tuple[str, ...]) -> OperatingSystem:
    return OperatingSystem(id, name, version, managers, supported=False)


def _windows(edition: str) -> OperatingSystem:
    id = f"Microsoft Windows Server 2012 R2 {edition}"
    return OperatingSystem(id, "microsoft windows server", "2012 r2 standard", ("12.2",), type="Windows")


# Current ones first; then every historic id, which stays accepted as input but starts no new instance (S-8).
CATALOGUE: Final = (
    OperatingSystem("Ubuntu 24.04 LTS", "ubuntu", "24.04", _LATE),
    OperatingSystem("Ubuntu 22.04 LTS", "ubuntu", "22.04", _LATE),
    OperatingSystem("Debian 12", "debian", "12", _LATE),
    OperatingSystem("Red Hat Enterprise Linux 9", "Red Hat Enterprise Linux", "9", _LATE),
    OperatingSystem("Rocky Linux 9", "rocky", "9", _LATE),
    OperatingSystem("Amazon Linux 2023", "amazon", "2023", _LATE),
    OperatingSystem("Custom", None, None, _ALL),
    *(_old(f"Amazon Linux {v}", "amazon", v, _ALL) for v in ("2015.03", "2015.09", "2016.03", "2016.09")),
    *(_old(f"Amazon Linux {v}", "amazon", v, _ALL) for v in ("2017.03", "2017.09")),
    _old("Amazon Linux 2018.03", "amazon", "2018.03", _LATE),
    _old("Amazon Linux 2", "amazon", "2", ("12",)),
    _old("Amazon Linux", "amazon", "2014.03", ("11.10", "11.4", "0.9")),
    _old("Amazon Linux 2014.09", "amazon", "2014.09", ("11.10", "11.4", "0.9")),
    _old("CentOS Linux 7", "CentOS Linux", "7", ("12",)),
    _old("Red Hat Enterprise Linux 7", "Red Hat Enterprise Linux", "7", _LATE),
    _old("Ubuntu 12.04 LTS", "ubuntu", "12.04", _ALL),
    _old("Ubuntu 14.04 LTS", "ubuntu", "14.04", _LATE),
    _old("Ubuntu 16.04 LTS", "ubuntu", "16.04", ("12",)),
    _old("Ubuntu 18.04 LTS", "ubuntu", "18.04", ("12",)),
    *(
        _windows(edition)
        for edition in ("Base", "with SQL Server Express", "with SQL Server Standard", "with SQL Server Web")
    ),
    OperatingSystem("CustomWindows", None, None, ("12.2",), type="Windows"),
)

_BY_ID: Final = {each.id: each for each in CATALOGUE}


def find(id: str, *, member: str = "Os") -> OperatingSystem:
    try:
        return _BY_ID[id]
    except KeyError:
        known = ", ".join(each.id for each in CATALOGUE if each.supported)
        raise Invalid(f"{member} {id!r} is unknown: please use one of {known}") from None


def family_of(id: str, *, member: str = "DefaultOs") -> Family:
    return find(id, member=member).type


def check_available(id: str) -> None:
    """Raise Invalid for a system that new instances cannot have (S-8)."""
    if not find(id).supported:
        raise Invalid(f"Os {id!r} is no longer supported: please use {DEFAULT_OS} or another of the supported systems")
