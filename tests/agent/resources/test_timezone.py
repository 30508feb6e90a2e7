from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, NotFound, converge
from toque.resources.timezone import Timezone
from toque.testing.machine import FakeHost, Node

ZONES = {f"/usr/share/zoneinfo/{name}": b"TZif2" for name in ("UTC", "Etc/UTC", "Europe/Berlin", "Europe/Bern")}


def machine(*, debian: bool = True) -> FakeHost:
    host = FakeHost(files={**ZONES, "/etc/localtime": Node("link", to="/usr/share/zoneinfo/Etc/UTC")})
    if debian:
        host.add("/etc/timezone", "Etc/UTC\n")
    return host


def example_machine() -> FakeHost:
    return machine()


def test_the_link_and_the_file_of_debian_follow() -> None:
    host = machine()

    converge(Timezone("Europe/Berlin"), host)

    assert host.link_target("/etc/localtime") == "/usr/share/zoneinfo/Europe/Berlin"
    assert host.read("/etc/timezone") == b"Europe/Berlin\n"


def test_a_system_without_that_file_gets_none() -> None:
    host = machine(debian=False)

    converge(Timezone("Europe/Berlin"), host)

    assert host.ran == ["link /etc/localtime -> /usr/share/zoneinfo/Europe/Berlin"]


def test_a_file_in_the_place_of_the_link_is_replaced_by_it() -> None:
    host = machine(debian=False)
    host.add("/etc/localtime", b"TZif2")

    converge(Timezone("Europe/Berlin"), host)

    assert host.link_target("/etc/localtime") == "/usr/share/zoneinfo/Europe/Berlin"


def test_a_zone_that_nobody_knows_is_named_with_what_comes_close() -> None:
    with pytest.raises(NotFound, match="no time zone 'Europe/Berlinn' .did you mean Europe/Berlin"):
        converge(Timezone("Europe/Berlinn"), machine())


def test_a_machine_without_zones_is_told_which_package_has_them() -> None:
    with pytest.raises(NotFound, match="package tzdata"):
        converge(Timezone("UTC"), FakeHost())


@pytest.mark.parametrize("name", ["", "../etc/passwd", "/etc/passwd", "Europe/", "-x", "Europe/Ber lin", "UTC\n"])
def test_S22_what_leads_out_of_the_zones_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="timezone must be the name of a zone"):
        Timezone(name)


CASES = [
    Case(Timezone(name), partial(machine, debian=debian))
    for name in ("Etc/UTC", "UTC", "Europe/Berlin")
    for debian in (True, False)
]
