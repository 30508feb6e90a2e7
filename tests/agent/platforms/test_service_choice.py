from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.needs import needs
from toque.platforms.service import Definition, Provider, services_of
from toque.platforms.service.systemd import _files
from toque.testing.machine import FakeHost, Node

SANDBOX = {"/run/toque/init.sock": Node("other")}
SYSTEMD = {"/run/systemd/system": Node("directory")}
OPENRC = {"/run/openrc/softlevel": "default\n"}
PROGRAM = {"/etc/toque/supervisor.d/shop.conf": "[program:shop]\n"}


@pytest.mark.parametrize(
    ("machine", "defined", "keeper"),
    [
        (SYSTEMD, False, "Systemd"),
        (SYSTEMD, True, "Systemd"),
        ({}, False, "SysV"),
        ({}, True, "Supervisor"),
        (PROGRAM, False, "Supervisor"),
        (SANDBOX, False, "SysV"),
        (SANDBOX, True, "Supervisor"),
        (SANDBOX | PROGRAM, False, "Supervisor"),
        (OPENRC, False, "OpenRC"),
        (OPENRC, True, "Supervisor"),
        # What PID 1 of a sandbox goes by: it starts services through OpenRC where that is installed.
        (SANDBOX | {"/sbin/rc-service": ""}, False, "OpenRC"),
        (SANDBOX | OPENRC, False, "SysV"),
        # A sandbox is a clone of a machine that may run systemd; its PID 1 is still ours.
        (SANDBOX | SYSTEMD, False, "SysV"),
    ],
)
def test_who_keeps_a_service_follows_from_the_machine(
    machine: dict[str, Node | str], defined: bool, keeper: str
) -> None:
    host = FakeHost(files=dict(machine))

    assert type(services_of(host, "shop", defined=defined)).__name__ == keeper


@pytest.mark.parametrize(
    ("provider", "keeper"),
    [("systemd", "Systemd"), ("openrc", "OpenRC"), ("sysv", "SysV"), ("supervisor", "Supervisor")],
)
def test_a_recipe_may_say_who_keeps_a_service(provider: Provider, keeper: str) -> None:
    for machine in (SANDBOX, SYSTEMD, OPENRC, {}):
        host = FakeHost(files=dict(machine))

        assert type(services_of(host, "shop", provider=provider)).__name__ == keeper


@needs("systemd-analyze")
@pytest.mark.parametrize(
    "argument", ["plain", "two words", "100%", "$HOME", 'quo"te', "it's", "back\\slash", "new\nline", "", ";", "naïve"]
)
def test_systemd_finds_nothing_wrong_with_the_units_we_write(tmp_path: Path, argument: str) -> None:
    definition = Definition(("/bin/echo", argument), "/srv", "root", {"A": "1"}, "HUP")
    unit = tmp_path / "shop.service"
    unit.write_text(_files("shop", definition)["/etc/systemd/system/shop.service"].content)

    said = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)

    assert (said.returncode, [line for line in said.stderr.splitlines() if "shop.service" in line]) == (0, [])
