"""The words for the system where systemd is PID 1: by hostnamectl, and with its own view of names, zones and mounts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.needs import needs, needs_root
from tests.system.case_systemd import Machine, a_machine

# Making the Debian folder, once, takes minutes.
pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    needs_root(),
    needs("debootstrap", "systemd-nspawn", "nsenter"),
]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with a_machine() as booted:
        yield booted


def test_hostnamectl_and_timedatectl_say_what_the_recipe_says(machine: Machine) -> None:
    recipe = """
from toque import hostname, timezone
hostname("shop1", fqdn="shop1.example.org")
timezone("Asia/Tokyo")
"""
    machine.apply(recipe)

    assert machine.run("hostnamectl", "hostname") == "shop1"
    assert machine.run("hostname", "--fqdn") == "shop1.example.org"
    assert machine.run("timedatectl", "show", "--property=Timezone", "--value") == "Asia/Tokyo"
    assert "0 would change" in machine.apply(recipe, verb="plan")


def test_systemd_knows_a_mount_from_the_file_and_unmounts_it(machine: Machine) -> None:
    recipe = """
from toque import mount
mount("/srv/memory", device="tmpfs", fstype="tmpfs", options=["size=4m", "noexec"])
"""
    machine.apply(recipe)

    assert machine.run("systemctl", "show", "--property=FragmentPath", "--value", "srv-memory.mount").startswith("/run")
    assert "noexec" in machine.run("findmnt", "-no", "OPTIONS", "/srv/memory").split(",")
    assert "0 would change" in machine.apply(recipe, verb="plan")

    machine.apply("from toque import mount\nmount('/srv/memory', present=False)\n")
    assert machine.run("sh", "-c", "findmnt /srv/memory || grep memory /etc/fstab || echo gone") == "gone"
