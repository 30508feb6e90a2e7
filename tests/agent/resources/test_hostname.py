from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, converge
from toque.resources.hostname import Hostname
from toque.testing.machine import FakeHost
from toque.testing.programs.kernel import with_kernel

HOSTS = "127.0.0.1 localhost\n127.0.1.1 debian # this one\n10.0.0.7 db\n"


def machine(*, systemd: bool = False, hosts: str = HOSTS) -> FakeHost:
    return with_kernel({"/etc/hostname": "debian\n", "/etc/hosts": hosts}, systemd=systemd)


def example_machine() -> FakeHost:
    return machine()


def test_the_name_holds_at_once_after_a_boot_and_in_the_hosts_file() -> None:
    host = machine()

    converge(Hostname("web1", fqdn="web1.example.org"), host)

    assert host.ran == ["write /etc/hostname", "hostname -- web1", "write /etc/hosts"]
    assert host.read("/etc/hostname") == b"web1\n"
    assert host.read("/etc/hosts") == b"127.0.0.1 localhost\n127.0.1.1 web1.example.org web1 # this one\n10.0.0.7 db\n"


def test_where_systemd_runs_hostnamectl_is_asked() -> None:
    host = machine(systemd=True)

    converge(Hostname("web1", hosts=False), host)

    assert host.ran == ["hostnamectl set-hostname -- web1"]
    assert host.read("/etc/hosts") == HOSTS.encode()


def test_other_names_behind_its_own_are_left_alone() -> None:
    host = machine(hosts="127.0.1.1 web1 www\n")

    converge(Hostname("web1"), host)

    assert host.read("/etc/hosts") == b"127.0.1.1 web1 www\n"


@pytest.mark.parametrize("name", ["", "-web", "web-", "web_1", "web1.example.org", "a" * 64, "web 1", "web1\n"])
def test_S22_what_is_no_name_of_a_machine_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="hostname must be 1 to 63 letters"):
        Hostname(name)


@pytest.mark.parametrize("fqdn", ["web1", "other.example.org", "web1.", "web1.ex ample", "web1..org"])
def test_a_full_name_begins_with_the_name(fqdn: str) -> None:
    with pytest.raises(BadProperty, match="hostname fqdn"):
        Hostname("web1", fqdn=fqdn)


def test_a_full_name_needs_the_hosts_file() -> None:
    with pytest.raises(BadProperty, match="leave out hosts=False"):
        Hostname("web1", fqdn="web1.example.org", hosts=False)


CASES = [
    Case(want, partial(machine, systemd=systemd))
    for want in (
        Hostname("debian"),
        Hostname("web1"),
        Hostname("web1", fqdn="web1.example.org", ip="10.0.0.1"),
        Hostname("web1", hosts=False),
    )
    for systemd in (False, True)
]
