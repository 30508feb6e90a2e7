"""The words for the system on a real machine: a copy of this one with its own name, mounts, network and switches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import needs, needs_root
from tests.system.case_whole_root import WholeRoot, a_whole_root
from tests.system.case_words import apply, toque

pytestmark = [pytest.mark.root, pytest.mark.slow, needs_root(), needs("nsenter", "ip", "apt-get")]

PROVES = ("hostname", "hosts_entry", "sysctl", "timezone")

HOSTS_OWN_NAME = Path("/proc/sys/kernel/hostname")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeRoot]:
    """One for all tests here: each keeps to names of its own."""
    with a_whole_root(tmp_path_factory.mktemp("data")) as made:
        yield made


def test_the_machine_answers_by_its_new_name_and_the_host_keeps_its_own(box: WholeRoot) -> None:
    before = HOSTS_OWN_NAME.read_text()

    apply(box, "from toque import hostname\nhostname('shop1', fqdn='shop1.example.org')\n")

    assert box.run("uname", "-n") == "shop1"
    assert box.run("cat", "/etc/hostname") == "shop1"
    assert box.run("getent", "hosts", "shop1") == "127.0.1.1       shop1.example.org shop1"
    assert HOSTS_OWN_NAME.read_text() == before


def test_names_of_addresses_are_found_until_they_are_taken_away(box: WholeRoot) -> None:
    apply(
        box,
        """
        from toque import hosts_entry
        hosts_entry("10.1.0.7", names=["db.internal", "db"], comment="the database")
        hosts_entry("caches", section={"10.1.0.8": ["cache1"], "fd00::9": ["cache2"]})
        """,
    )
    assert box.run("getent", "hosts", "db").split() == ["10.1.0.7", "db.internal", "db"]
    assert box.run("getent", "hosts", "cache2").split() == ["fd00::9", "cache2"]

    apply(
        box,
        """
        from toque import hosts_entry
        hosts_entry("10.1.0.70", names=["db"])
        hosts_entry("caches", section={"10.1.0.8": ["cache1"]})
        """,
    )
    assert box.run("getent", "hosts", "db").split() == ["10.1.0.70", "db"]
    assert "cache2" not in box.run("cat", "/etc/hosts")

    apply(
        box,
        """
        from toque import hosts_entry
        hosts_entry("10.1.0.70", present=False)
        hosts_entry("10.1.0.7", present=False)
        hosts_entry("caches", present=False)
        """,
    )
    assert box.shell("getent hosts db cache1; grep -c Toque /etc/hosts || true") == "0"


def test_programs_show_the_time_of_the_zone(box: WholeRoot) -> None:
    apply(box, "from toque import timezone\ntimezone('Asia/Tokyo')\n")

    assert box.run("date", "+%Z %z") == "JST +0900"
    assert box.run("cat", "/etc/timezone") == "Asia/Tokyo"


def test_a_switch_holds_at_once_and_stands_in_the_file_that_sysctl_loads(box: WholeRoot) -> None:
    recipe = """
        from toque import sysctl
        sysctl("net.ipv4.ip_local_port_range", value="20000 50000")
        sysctl("net.ipv4.conf.lo.forwarding", value=1, file="60-own.conf")
        sysctl("net.ipv4.no_such_switch", value=1, ignore_error=True)
        """
    apply(box, recipe)
    assert box.run("sysctl", "-n", "net.ipv4.ip_local_port_range").split() == ["20000", "50000"]
    assert box.run("cat", "/proc/sys/net/ipv4/conf/lo/forwarding") == "1"

    box.run("sysctl", "-w", "net.ipv4.ip_local_port_range=32768 60999")
    # As when the machine boots; of the key that this kernel lacks procps says so, and goes on.
    assert "net.ipv4.ip_local_port_range = 20000 50000" in box.shell(
        "sysctl --load=/etc/sysctl.d/99-toque.conf || true"
    )
    assert "0 would change" in toque(box, "plan", recipe)[1]

    apply(
        box,
        """
        from toque import sysctl
        sysctl("net.ipv4.ip_local_port_range", present=False)
        sysctl("net.ipv4.no_such_switch", present=False)
        """,
    )
    assert box.shell("ls /etc/sysctl.d | grep toque || true") == ""


def test_a_value_that_the_kernel_refuses_fails_with_its_message(box: WholeRoot) -> None:
    code, said = toque(box, "apply", "from toque import sysctl\nsysctl('net.ipv4.ip_default_ttl', value=999)\n")

    assert code == 1
    assert 'setting key "net.ipv4.ip_default_ttl"' in said
