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

ARGUMENTS = ["two words", "100%", "$HOME", 'quo"te', "it's", "back\\slash", "new\nline", ";", "naïve"]
ENVIRONMENT = {"PLAIN": "1", "ODD": "a\"b`c$d\\e'f %h\nsecond line #x"}
SCRIPT = 'trap "echo reloaded" HUP; echo up in $PWD; while :; do sleep 0.1; done'
SHOP = f"""
from toque import Secret, service
environment = {ENVIRONMENT!r}
environment["ODD"] = Secret(environment["ODD"])
shop = service("shop", command=["/bin/sh", "-c", {SCRIPT!r}, *{ARGUMENTS!r}], cwd="/srv", user="games",
               environment=environment, enabled=True, reload_signal="HUP")
"""


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with a_machine() as booted:
        yield booted


@pytest.fixture
def shop(machine: Machine) -> Iterator[str]:
    """The pid of a program that is kept as a unit."""
    machine.apply(SHOP)
    yield main_pid(machine)
    machine.apply("from toque import service\nservice('shop', present=False)\n")


def main_pid(machine: Machine) -> str:
    return machine.run("systemctl", "show", "--property=MainPID", "--value", "shop")


def test_a_program_gets_its_arguments_and_environment_to_the_letter(machine: Machine, shop: str) -> None:
    arguments = machine.run("cat", f"/proc/{shop}/cmdline").split("\0")
    environment = machine.run("cat", f"/proc/{shop}/environ").split("\0")

    assert arguments[3:-1] == ARGUMENTS
    assert {f"{name}={value}" for name, value in ENVIRONMENT.items()} <= set(environment)
    assert machine.run("stat", "-c", "%U", f"/proc/{shop}") == "games"
    assert machine.run("readlink", f"/proc/{shop}/cwd") == "/srv"
    assert machine.apply(SHOP, verb="plan").startswith("1 resource: 0 would change")


def test_S24_other_users_cannot_read_its_environment(machine: Machine, shop: str) -> None:
    shown = machine.run("setpriv", "--reuid=games", "--regid=games", "--clear-groups", "systemctl", "show", "shop")

    assert "second line" not in shown
    assert machine.run("stat", "-c", "%a", "/etc/toque/services/shop.env") == "600"


def test_a_program_that_is_killed_is_started_again(machine: Machine, shop: str) -> None:
    machine.run("sh", "-c", f"kill -9 {shop}")

    machine.until("it to run again", lambda: main_pid(machine) not in ("0", shop))


def test_a_reload_is_the_signal_that_was_declared(machine: Machine, shop: str) -> None:
    machine.apply(SHOP + "shop.reload()\n")

    journal = ["journalctl", "--unit=shop", "--output=cat", "--no-pager"]
    machine.until("the signal to arrive", lambda: "reloaded" in machine.run(*journal))
    assert main_pid(machine) == shop


def test_a_new_declaration_restarts_it(machine: Machine, shop: str) -> None:
    said = machine.apply(SHOP.replace("up in", "now in"))

    assert "defined" in said
    assert main_pid(machine) not in ("0", shop)


def test_stopping_and_disabling_leaves_the_definition(machine: Machine, shop: str) -> None:
    machine.apply("from toque import service\nservice('shop', running=False, enabled=False)\n")

    assert machine.run("systemctl", "is-active", "shop", ok=(3,)) == "inactive"
    assert machine.run("systemctl", "is-enabled", "shop", ok=(1,)) == "disabled"


def test_what_is_taken_away_is_unknown_to_systemd(machine: Machine) -> None:
    machine.apply(SHOP)
    machine.apply("from toque import service\nservice('shop', present=False)\n")

    assert machine.run("systemctl", "show", "--property=LoadState", "--value", "shop") == "not-found"
    assert machine.run("sh", "-c", "ls /etc/toque/services /etc/systemd/system | grep shop || true") == ""


def test_a_program_that_does_not_stay_up_fails_the_run_with_the_end_of_its_journal(machine: Machine) -> None:
    recipe = (
        'from toque import service\nservice("broken", command=["sh", "-c", "echo no database; sleep 0.2; exit 3"])\n'
    )

    said = machine.apply(recipe, code=1)

    assert "does not stay up; its log ends:\n" in said
    assert "no database" in said
    machine.apply("from toque import service\nservice('broken', present=False)\n")


def test_a_unit_that_does_not_exist_is_systemds_own_message(machine: Machine) -> None:
    said = machine.apply("from toque import service\nservice('no-such-unit')\n", code=1)

    assert "Unit no-such-unit.service not found" in said


def test_a_unit_that_others_start_counts_as_enabled(machine: Machine) -> None:
    """`dbus` is static: it cannot be enabled, and needs not be."""
    assert "0 would change" in machine.apply("from toque import service\nservice('dbus', enabled=True)\n", verb="plan")


def test_a_plan_on_a_clone_records_what_it_would_do_to_services(machine: Machine) -> None:
    said = machine.apply(
        """
from toque import execute, service
service("planned", command=["/bin/sleep", "1000"], enabled=True)
service("dbus", running=False)
execute(["/usr/bin/systemctl", "restart", "systemd-logind"])
service("systemd-journald", running=True)
""",
        verb="plan",
        options=["--clone"],
        code=10,
    )

    assert "service[systemd-journald]" not in said
    assert said.partition("\nServices\n")[2].splitlines() == [
        "  planned.service enabled, started (recorded, not run)",
        "  dbus.service stopped (recorded, not run)",
        "  systemd-logind.service restarted (recorded, not run)",
    ]
    assert machine.run("systemctl", "is-active", "dbus") == "active"
    assert machine.run("systemctl", "is-active", "planned", ok=(3, 4)) == "inactive"
