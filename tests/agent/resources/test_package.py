from __future__ import annotations

from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, CommandFailed, Secret, converge
from toque.platforms.package import NoPackageManager, NoSuchPackage
from toque.resources.package import HeldBack, NoSuchVersion, Package, WouldDowngrade
from toque.testing.machine import FakeHost
from toque.testing.programs.apt import debian, debian_with


def verbs(host: FakeHost) -> list[str]:
    """What apt-get and dpkg were told, without the switches that are always there."""
    return [line.replace(ALWAYS, "") for line in host.ran if line.split()[0] not in ("mkdir", "write")]


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
    assert verbs(host) == ["install -- nginx=1.22.1-9"]
    assert converge(Package("nginx", version="1.22.*"), host) is None


def test_a_version_that_is_not_to_be_had_is_said_with_those_that_are() -> None:
    with pytest.raises(NoSuchVersion, match=r"nginx is not to be had in version 9 \(there are: 1.22\)"):
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
    with pytest.raises(
        NoPackageManager, match="no package manager that Toque knows: there is no apt-get or dnf or .* on it"
    ):
        converge(Package("nginx"), FakeHost())


@pytest.mark.parametrize("name", ["", "-y", "--reinstall", "nginx*", "a b", "../x.deb", "nginx=1", "x;y", "a\nb"])
def test_S22_a_name_that_could_be_an_option_or_a_pattern_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="package name must be"):
        Package(name)


def test_a_held_package_is_let_go_for_what_the_recipe_says_and_held_again() -> None:
    host = debian(installed={"nginx": "1.20"}, held={"nginx"}, archive={"nginx": "1.22"})

    converge(Package("nginx", version="1.22", held=True), host)

    assert verbs(host) == ["apt-mark unhold -- nginx", "install -- nginx=1.22", "apt-mark hold -- nginx"]
    assert converge(Package("nginx", version="1.22", held=True), host) is None
    change = converge(Package("nginx", held=False), host)
    assert change is not None
    assert change.fields == {"held"}


def test_a_package_that_somebody_holds_is_not_touched_by_a_recipe_that_does_not_know() -> None:
    host = debian(installed={"nginx": "1.20"}, held={"nginx"}, archive={"nginx": "1.22"})

    with pytest.raises(HeldBack, match="nginx is held at its version: say held=False"):
        converge(Package("nginx", present=False), host)
    with pytest.raises(HeldBack, match="nginx is held"):
        converge(Package("nginx", version="1.22"), host)
    assert converge(Package("nginx"), host) is None

    converge(Package("nginx", present=False, held=False), host)
    assert verbs(host)[-2:] == ["apt-mark unhold -- nginx", "remove -- nginx"]


def test_a_newer_version_is_replaced_only_where_the_recipe_says_so() -> None:
    host = debian(installed={"nginx": "1.24"}, archive={"nginx": "1.22"})

    with pytest.raises(WouldDowngrade, match=r"nginx 1.24 is newer than 1.22: say downgrade=True"):
        converge(Package("nginx", version="1.22"), host)
    converge(Package("nginx", version="1.22", downgrade=True), host)

    assert verbs(host) == ["install --allow-downgrades -- nginx=1.22"]


@pytest.mark.parametrize(
    ("wanted", "there", "fit"),
    [
        ("1.22.1", "1.22.1-9", True),
        ("1.22.1", "1:1.22.1-9", True),
        ("1.22.1-9", "1.22.1-9", True),
        ("1.22", "1.22.1-9", False),
        (">= 1.22, < 2", "1.22.1-9", True),
        (">= 1.22, < 2", "2.0-1", False),
        ("<= 1.22.1", "1.22.1-9", True),
        ("> 1.22.1", "1.22.1-9", False),
        ("!= 1.22.1", "1.22.1-9", False),
        (">= 1.9, != 1.22.1-8", "1.22.1-9", True),
    ],
    ids=str,
)
def test_a_version_is_asked_for_as_exactly_as_the_recipe_likes(wanted: str, there: str, fit: bool) -> None:
    assert (converge(Package("nginx", version=wanted), debian(installed={"nginx": there}), dry_run=True) is None) is fit


def test_a_package_is_called_by_the_name_of_the_system() -> None:
    want = Package("apache2", names={"rhel": "httpd", "ubuntu": ["apache2", "ssl-cert"], "debian": "nginx"})
    ubuntu, debian_ = ({"/etc/os-release": f"ID={name}\nID_LIKE=debian\n"} for name in ("ubuntu", "debian"))
    there = {"apache2": "2.4", "ssl-cert": "1"}

    host = debian(files=debian_)
    converge(want, host)

    assert verbs(host) == ["install -- nginx"]
    assert converge(want, debian(files=ubuntu, installed=there)) is None
    assert converge(Package("git", names={"rhel": "x"}), debian(files=ubuntu, installed={"git": "1"})) is None


def test_debconf_is_answered_before_the_package_asks_and_passwords_stay_secret() -> None:
    host = debian()
    want = Package("nginx", answers={"nginx/port": 80, "nginx/tls": True, "nginx/key": Secret("hunter22")})

    converge(want, host)

    assert verbs(host) == ["debconf-set-selections", "install -- nginx"]
    assert (
        host.inputs[-2]
        == "nginx nginx/port string 80\nnginx nginx/tls boolean true\nnginx nginx/key password hunter22\n"
    )
    want.reconfigure(host)
    assert verbs(host)[-2:] == ["debconf-set-selections", "dpkg-reconfigure --frontend=noninteractive -- nginx"]


def test_a_package_file_is_installed_until_its_version_is_there() -> None:
    files = {"/srv/tool.deb": ("tool", "1.2")}
    host = debian(files={"/srv/tool.deb": "x"}, debs=files)

    converge(Package("tool", file="/srv/tool.deb"), host)

    assert verbs(host) == ["install -- /srv/tool.deb"]
    assert converge(Package("tool", file="/srv/tool.deb"), host) is None
    newer = debian(installed={"tool": "1.3"}, files={"/srv/tool.deb": "x"}, debs=files)
    with pytest.raises(WouldDowngrade):
        converge(Package("tool", file="/srv/tool.deb"), newer)
    with pytest.raises(BadProperty, match=r"file /srv/tool.deb holds tool, not git"):
        converge(Package("git", file="/srv/tool.deb"), debian(files={"/srv/tool.deb": "x"}, debs=files))


def test_a_release_a_lock_and_an_environment_reach_apt() -> None:
    host = debian(installed={}, fresh=True)

    converge(Package("git", default_release="bookworm-backports", lock_timeout=5, options=["--reinstall"]), host)

    assert "DPkg::Lock::Timeout=5" in host.ran[-1]
    assert host.ran[-1].endswith(" install --target-release=bookworm-backports --reinstall -- git")


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"version": "1; rm"}, "version must be one such as"),
        ({"version": ">= -1"}, "version must be one such as"),
        ({"file": "tool.deb"}, "file: needs an absolute path"),
        ({"file": "/srv/a.deb", "version": "1"}, "file goes with a single name"),
        ({"answers": {"a b": "x"}}, "answers must map questions"),
        ({"answers": {"a/b": "x\ny z string evil"}}, "answers must map questions"),
        ({"default_release": "-y"}, "default_release must be a release"),
        ({"environment": {"A B": "x"}}, "environment must map"),
        ({"names": {"rhel": "-y"}}, "names of rhel must be"),
        ({"names": {"": "httpd"}}, "names must map systems"),
        ({"lock_timeout": -1}, "lock_timeout must be seconds"),
        ({"present": False, "held": True}, "present=False goes without"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_S22_what_cannot_be_meant_is_refused_by_its_name(properties: dict[str, Any], says: str) -> None:
    with pytest.raises(BadProperty, match=says):
        Package("nginx", **properties)


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
        Package("git", version=">= 2, < 3", held=True),
        Package("git", held=False),
        Package("git", present=False, held=False),
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
