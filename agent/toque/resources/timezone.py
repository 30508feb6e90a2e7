"""timezone: which zone the machine's clock is shown in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from toque.core import BadProperty, Change, Host, NotFound, Resource, recipe_word, resource

_ZONES = "/usr/share/zoneinfo"
_LINK = "/etc/localtime"
_DEBIANS = "/etc/timezone"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_+-]*(/[A-Za-z0-9_][A-Za-z0-9_+-]*){0,2}")


@dataclass(frozen=True)
class TimezoneState:
    zone: str
    written: str | None = None
    """What Debian's own file says."""


@resource("timezone")
@dataclass(frozen=True)
class Timezone(Resource[TimezoneState]):
    """Keep the zone in which programs show the time; the clock itself is not touched.

    name  as in the database of zones: "Europe/Berlin", "UTC"

    The link /etc/localtime is set, and /etc/timezone where the system has it. Programs that run keep the old zone until
    they are started again.

        timezone("Europe/Berlin")
    """

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise BadProperty(
                f'timezone must be the name of a zone such as "Europe/Berlin" or "UTC", got {self.name!r}'
            )

    def desired(self) -> TimezoneState:
        return TimezoneState(self.name, self.name)

    def current(self, host: Host) -> TimezoneState:
        to = host.link_target(_LINK) or ""
        zone = to.partition("zoneinfo/")[2]
        written = host.read(_DEBIANS)
        return TimezoneState(zone, self.name if written is None else written.decode(errors="replace").strip())

    def apply(self, host: Host, change: Change[TimezoneState]) -> None:
        self._check_zone(host)
        if "zone" in change:
            host.make_link(_LINK, f"{_ZONES}/{self.name}")
        if "written" in change:
            host.write(_DEBIANS, f"{self.name}\n".encode())

    def _check_zone(self, host: Host) -> None:
        found = host.entry(f"{_ZONES}/{self.name}")
        if found is not None and found.kind != "directory":
            return
        if host.entry(_ZONES) is None:
            raise NotFound("database of time zones on this machine (package tzdata), so no zone", self.name)
        region, _, _ = self.name.rpartition("/")
        near = [f"{region}/{name}".lstrip("/") for name in host.names_in(f"{_ZONES}/{region}".rstrip("/"))]
        raise NotFound("time zone", self.name, near)


timezone = recipe_word(Timezone)
