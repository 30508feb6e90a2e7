from __future__ import annotations

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Run, converge
from toque.core.diffs import describe
from toque.resources.os_upgrade import OsUpgrade, OsUpgradeState
from toque.testing.machine import FakeHost
from toque.testing.programs.apt import debian, debian_with

OLD = {"git": "2.30", "nginx": "1.20", "unzip": "6.0", "lib": "1"}


def commands(host: FakeHost) -> list[str]:
    return [line.partition("Use-Pty=0 ")[2] for line in host.ran]


def test_every_package_is_brought_to_its_newest_version_and_named() -> None:
    host = debian(installed=OLD)
    want = OsUpgrade()

    change = converge(want, host)

    assert change is not None
    assert describe(want, change)[1].splitlines()[-2:] == ["-git 2.30 → 2.39", "-nginx 1.20 → 1.22"]
    assert commands(host) == ["dist-upgrade"]
    assert converge(want, host) is None


def test_only_security_fixes_where_that_is_said() -> None:
    host = debian(installed=OLD, fixes={"nginx"})

    converge(OsUpgrade(security=True), host)

    assert commands(host) == ["install --only-upgrade -- nginx"]
    assert converge(OsUpgrade(security=True), host) is None


def test_what_is_excluded_or_held_stays_as_it_is() -> None:
    host = debian(installed=OLD, held={"git"})

    assert converge(OsUpgrade(exclude=["ng*"]), host) is None
    host = debian(installed=OLD)
    converge(OsUpgrade(exclude=["ng*"]), host)

    assert commands(host) == ["install --only-upgrade -- git"]


def test_what_nobody_needs_any_more_goes_where_that_is_said() -> None:
    host = debian(installed=OLD, unneeded={"lib"}, lists={})

    assert converge(OsUpgrade(), host) is None
    change = converge(OsUpgrade(autoremove=True), host)

    assert change is not None
    assert change.was == OsUpgradeState("lib 1 → removed\n".encode())
    assert commands(host) == ["dist-upgrade", "autoremove"]


@pytest.mark.parametrize(("asked", "needed"), [(True, True), (True, False), (False, True)], ids=str)
def test_a_restart_is_asked_for_where_it_is_needed_and_wanted(asked: bool, needed: bool) -> None:
    host = debian(files={"/var/run/reboot-required": ""} if needed else {}, installed=OLD)

    with Run(host) as run:
        run.declare(OsUpgrade, (), {"reboot": asked})

    assert bool(run.reboot) is (asked and needed)


@pytest.mark.parametrize("pattern", ["-y", "a b", "", "a\nb", "--x"], ids=repr)
def test_S22_an_exclusion_that_could_be_an_option_is_refused(pattern: str) -> None:
    with pytest.raises(BadProperty, match="exclude must be names or patterns"):
        OsUpgrade(exclude=[pattern])


def test_S22_an_environment_that_no_program_can_have_is_refused() -> None:
    with pytest.raises(BadProperty, match="os_upgrade environment must map names such as PORT to text; 'A B' does not"):
        OsUpgrade(environment={"A B": "x"})


CASES = [
    Case(want, debian_with(installed=dict(installed), unneeded={"lib"}))
    for want in (OsUpgrade(), OsUpgrade(security=True), OsUpgrade(exclude=["git"], autoremove=True))
    for installed in ({"git": "2.39", "lib": "1"}, OLD)
]
