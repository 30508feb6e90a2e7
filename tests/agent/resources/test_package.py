from __future__ import annotations

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, converge
from toque.platforms.package import NoPackageManager, NoSuchPackage
from toque.resources.package import Package
from toque.testing.machine import FakeHost
from toque.testing.programs.apt import debian, debian_with


def verbs(host: FakeHost) -> list[str]:
    """What apt-get and dpkg were told, without the switches that are always there."""
    return [line.replace(ALWAYS, "") for line in host.ran]


ALWAYS = (
    "apt-get --yes --quiet -o DPkg::Lock::Timeout=600 -o Dpkg::Options::=--force-confdef"
    " -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "
)


def test_a_missing_package_is_installed() -> None:
    host = debian()

    change = converge(Package("nginx"), host)

    assert change is not None
    assert change.fields == {"present", "installed"}
    assert verbs(host) == ["install -- nginx"]


def test_of_a_list_only_what_is_missing_is_installed_and_in_one_transaction() -> None:
    host = debian(installed={"git": "2.39"})

    converge(Package(["git", "nginx", "unzip"], recommends=False), host)

    assert verbs(host) == ["install --no-install-recommends -- nginx unzip"]


def test_nothing_runs_when_there_is_nothing_to_do() -> None:
    host = debian(installed={"git": "2.39", "nginx": "1.22"}, fresh=False)

    assert converge(Package(["git", "nginx"]), host) is None
    assert host.ran == []


def test_old_lists_are_fetched_again_before_something_is_installed() -> None:
    host = debian(fresh=False)

    converge(Package("git"), host)
    converge(Package("nginx"), host)

    assert verbs(host) == ["update", "install -- git", "install -- nginx"]


def test_lists_that_another_process_is_fetching_are_waited_for_and_not_for_ever() -> None:
    host = debian(fresh=False, busy=2)

    converge(Package("git"), host)

    assert verbs(host) == ["update", "update", "update", "install -- git"]
    with pytest.raises(CommandFailed, match="Could not get lock"):
        converge(Package("git"), debian(fresh=False, busy=99))


def test_a_name_the_lists_do_not_have_is_looked_for_in_new_lists() -> None:
    host = debian(lists={"git": "2.39"})

    converge(Package("nginx"), host)

    assert verbs(host) == ["update", "install -- nginx"]


def test_a_name_that_nobody_has_is_said_with_what_comes_close() -> None:
    host = debian()

    with pytest.raises(NoSuchPackage, match=r"no package is called 'frobnicate'$"):
        converge(Package("frobnicate"), host)
    with pytest.raises(NoSuchPackage, match=r"no package is called 'nginz' \(did you mean nginx\?\)"):
        converge(Package("nginz"), host)

    assert not [line for line in verbs(host) if line.startswith("install")]


def test_a_version_may_be_a_pattern() -> None:
    host = debian(installed={"nginx": "1.20"}, archive={"nginx": "1.22.1-9"})

    change = converge(Package("nginx", version="1.22.*"), host)

    assert change is not None
    assert change.fields == {"version"}
    assert verbs(host) == ["install -- nginx=1.22.*"]
    assert converge(Package("nginx", version="1.22.*"), host) is None


def test_a_version_that_is_not_to_be_had_is_apts_own_message() -> None:
    with pytest.raises(CommandFailed, match="Version '9' for 'nginx' was not found"):
        converge(Package("nginx", version="9"), debian())


def test_an_installed_package_stays_as_it_is_unless_upgrade_says_otherwise() -> None:
    host = debian(installed={"git": "2.30", "nginx": "1.22"})

    assert converge(Package(["git", "nginx"]), host) is None
    change = converge(Package(["git", "nginx"], upgrade=True), host)

    assert change is not None
    assert change.fields == {"outdated"}
    assert verbs(host) == ["install -- git"]


def test_a_virtual_package_is_there_when_something_provides_it() -> None:
    host = debian(installed={"postfix": "3.7"}, provides={"mail-transport-agent": "postfix"})

    assert converge(Package("mail-transport-agent"), host) is None


def test_a_virtual_package_can_be_installed() -> None:
    host = debian(provides={"mail-transport-agent": "postfix"})

    converge(Package("mail-transport-agent"), host)

    assert verbs(host) == ["install -- mail-transport-agent"]


def test_removing_leaves_configuration_and_purging_does_not() -> None:
    host = debian(installed={"nginx": "1.22"})

    converge(Package("nginx", present=False), host)
    assert converge(Package("nginx", present=False), host) is None
    converge(Package("nginx", present=False, purge=True), host)

    assert verbs(host) == ["remove -- nginx", "purge -- nginx"]


def test_only_what_is_there_is_removed() -> None:
    host = debian(installed={"nginx": "1.22"})

    converge(Package(["git", "nginx"], present=False), host)

    assert verbs(host) == ["remove -- nginx"]


def test_R10_work_that_was_killed_inside_dpkg_is_finished_first() -> None:
    host = debian(files={"/var/lib/dpkg/updates/0001": ""})

    converge(Package("git"), host)

    assert verbs(host) == ["dpkg --force-confdef --force-confold --configure --pending", "install -- git"]


def test_a_machine_without_a_known_package_manager_says_so() -> None:
    with pytest.raises(NoPackageManager, match="no package manager that Toque knows: there is no apt-get on it"):
        converge(Package("nginx"), FakeHost())


@pytest.mark.parametrize("name", ["", "-y", "--reinstall", "nginx*", "a b", "../x.deb", "nginx=1", "x;y", "a\nb"])
def test_S22_a_name_that_could_be_an_option_or_a_pattern_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="package name must be"):
        Package(name)


def test_a_version_of_several_packages_is_refused() -> None:
    with pytest.raises(BadProperty, match="single name"):
        Package(["git", "nginx"], version="1")
    with pytest.raises(BadProperty, match="at least one"):
        Package([])


CASES = [
    Case(want, debian_with(installed=installed, fresh=fresh, remains=remains))
    for want in (
        Package("git"),
        Package(["git", "nginx"], recommends=False),
        Package("git", version="2.*"),
        Package("git", upgrade=True),
        Package(["git", "nginx"], present=False),
        Package("git", present=False, purge=True),
    )
    for installed, fresh, remains in (
        ({}, True, {}),
        ({"git": "2.39"}, False, {}),
        ({"git": "1.0", "nginx": "1.22"}, True, {}),
        ({}, True, {"git": "1.0"}),
    )
]
