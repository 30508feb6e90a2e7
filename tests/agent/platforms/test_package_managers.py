"""Package managers beside apt: which one a machine has, and what each is told. Where they can run, tests/system has them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from toque.core import converge
from toque.core.host import Ran
from toque.platforms.package import NoSuchPackage, NotSupported, packages_of
from toque.platforms.package.rpm import compare
from toque.platforms.package.word_list import with_words, words_of
from toque.resources.os_upgrade import OsUpgrade
from toque.resources.package import HeldBack, Package, WouldDowngrade
from toque.resources.package_index import PackageIndex
from toque.testing.machine import FakeHost
from toque.testing.programs.apk import alpine
from toque.testing.programs.dnf import fedora

ALL = ["/usr/bin/apt-get", "/usr/bin/dnf", "/usr/bin/yum", "/usr/bin/zypper", "/usr/bin/pacman", "/sbin/apk"]


@pytest.mark.parametrize(
    ("release", "kind"),
    [
        ("ID=debian", "apt"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'", "apt"),
        ("ID=fedora", "dnf"),
        ('ID="amzn"\nID_LIKE="centos rhel fedora"', "dnf"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"', "dnf"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"', "zypper"),
        ("ID=manjaro\nID_LIKE=arch", "pacman"),
        ("ID=alpine", "apk"),
        ("ID=gentoo", "apt"),
    ],
    ids=lambda text: text.split("\n")[0],
)
def test_the_family_of_the_system_decides_which_of_several_managers_it_is(release: str, kind: str) -> None:
    manager = packages_of(FakeHost(files={"/etc/os-release": release + "\n"}, paths=ALL))

    assert manager.title == kind  # type: ignore[attr-defined]


def test_what_is_there_is_taken_where_the_familys_own_is_missing() -> None:
    host = FakeHost(files={"/etc/os-release": "ID=centos\n"}, paths=["/usr/bin/yum"])

    assert packages_of(host).title == "yum"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0-1", "1.0-2"),
        ("1.9-1", "1.10-1"),
        ("1.0~rc1-1", "1.0-1"),
        ("1.0-1", "1.0^git1-1"),
        ("1.0a-1", "1.0.1-1"),
        ("2.0-1", "1:1.0-1"),
        ("1.0", "1.0.1"),
        ("5.16.1", "5.16.10"),
        ("1.a", "1.1"),
    ],
    ids=str,
)
def test_versions_are_ordered_as_rpm_and_pacman_do(older: str, newer: str) -> None:
    assert compare(older, newer) < 0 < compare(newer, older)
    assert compare(older, older) == 0


def test_a_version_without_a_release_is_the_same_as_with_any() -> None:
    assert compare("1.0", "1.0-7") == compare("0:1.0-1", "1.0-1") == compare("1.01-1", "1.1-1") == 0


def test_a_list_of_words_in_a_configuration_gets_and_loses_words_and_keeps_the_rest() -> None:
    text = "# mine\n[options]\nIgnorePkg = linux\nIgnorePkg = a b\n[repo]\nIgnorePkg = other\n"

    assert words_of(text, "options", ("IgnorePkg",)) == ["linux", "a", "b"]
    assert with_words(text, "options", ("IgnorePkg",), drop=["a", "linux"]) == (
        "# mine\n[options]\nIgnorePkg = b\n[repo]\nIgnorePkg = other\n"
    )
    assert with_words(text, "options", ("IgnorePkg",), add=["a", "new"]).splitlines()[3] == "IgnorePkg = a b new"
    assert with_words("", "main", ("exclude",), add=["x"]) == "[main]\nexclude = x\n"


@pytest.mark.parametrize(
    ("machine", "old", "new"),
    [(fedora, "1.20-1", "1.22-1"), (alpine, "1.24.0-r14", "1.24.0-r15")],
    ids=["dnf", "apk"],
)
class TestOnAnotherSystem:
    """The same recipe does the same, whichever package manager it is."""

    def test_a_package_is_installed_once(self, machine: Callable[..., FakeHost], old: str, new: str) -> None:
        host = machine()

        assert converge(Package(["nginx", "git"]), host) is not None
        assert converge(Package(["nginx", "git"]), host) is None
        assert packages_of(host).installed(["nginx"]) == {"nginx": new}

    def test_a_version_a_hold_and_an_upgrade(self, machine: Callable[..., FakeHost], old: str, new: str) -> None:
        host = machine()

        converge(Package("nginx", version=old, held=True), host)
        assert packages_of(host).installed(["nginx"]) == {"nginx": old}
        assert converge(OsUpgrade(), host) is None
        with pytest.raises(HeldBack):
            converge(Package("nginx", version=new), host)
        converge(Package("nginx", held=False), host)
        change = converge(OsUpgrade(), host)

        assert change is not None
        assert change.was is not None
        assert change.was.content.decode() == f"nginx {old} → {new}\n"
        assert converge(Package("nginx", version=f">= {old}, <= {new}"), host) is None

    def test_a_downgrade_must_be_said(self, machine: Callable[..., FakeHost], old: str, new: str) -> None:
        host = machine(installed={"nginx": new})

        with pytest.raises(WouldDowngrade):
            converge(Package("nginx", version=old), host)
        converge(Package("nginx", version=old, downgrade=True), host)

        assert packages_of(host).installed(["nginx"]) == {"nginx": old}
        assert packages_of(host).held(["nginx"]) == []

    def test_the_newest_and_the_excluded(self, machine: Callable[..., FakeHost], old: str, new: str) -> None:
        host = machine(installed={"nginx": old})

        assert converge(Package("nginx"), host) is None
        assert converge(OsUpgrade(exclude=["ng*"]), host) is None
        assert converge(Package("nginx", upgrade=True), host) is not None
        assert packages_of(host).installed(["nginx"]) == {"nginx": new}

    def test_a_removed_package_is_gone(self, machine: Callable[..., FakeHost], old: str, new: str) -> None:
        host = machine(installed={"nginx": old})

        converge(Package("nginx", present=False, purge=True), host)

        assert converge(Package("nginx", present=False), host) is None

    def test_a_name_that_nobody_has(self, machine: Callable[..., FakeHost], old: str, new: str) -> None:
        with pytest.raises(NoSuchPackage, match=r"no package is called 'nginz' \(did you mean nginx\?\)"):
            converge(Package("nginz"), machine())

    def test_lists_are_fetched_when_they_are_old(self, machine: Callable[..., FakeHost], old: str, new: str) -> None:
        host = machine(fresh=False)

        assert converge(PackageIndex(), host) is None  # fetched, and nothing was new
        assert any("update" in line or "makecache" in line for line in host.ran)

    def test_what_only_debian_has_is_said_to_be_missing(
        self, machine: Callable[..., FakeHost], old: str, new: str
    ) -> None:
        with pytest.raises(NotSupported, match="answers are for debconf"):
            converge(Package("nginx", answers={"a/b": "c"}), machine())
        with pytest.raises(NotSupported, match="default_release is apt's"):
            converge(Package("nginx", default_release="testing"), machine())
        with pytest.raises(NotSupported, match="no way to configure a package again"):
            Package("nginx").reconfigure(machine())


def test_a_name_that_an_installed_package_provides_is_there() -> None:
    assert converge(Package("cmd:nginx"), alpine(installed={"nginx": "1.24.0-r15"})) is None
    host = fedora(installed={"nginx": "1.22-1"}, provides={"webserver": "nginx"})
    assert converge(Package("webserver"), host) is None
    empty = fedora(provides={"webserver": "nginx"})
    converge(Package("webserver"), empty)
    assert converge(Package("webserver"), empty) is None


def test_apk_does_not_tell_security_fixes_from_others() -> None:
    with pytest.raises(NotSupported, match="apk does not say which upgrades are security fixes"):
        converge(OsUpgrade(security=True), alpine())


def test_an_apk_file_says_its_name_and_version() -> None:
    info = "# Generated by abuild 3.12.0-r0\npkgname = tool\npkgver = 1.2-r0\narch = x86_64\n"
    host = alpine(files={"/srv/tool.apk": info})

    assert packages_of(host).in_file("/srv/tool.apk") == ("tool", "1.2-r0")


def test_dnf_upgrades_security_fixes_only_where_that_is_said() -> None:
    host = fedora(installed={"nginx": "1.20-1", "git": "2.30-1"}, fixes={"git"}, unneeded={"nginx"})

    converge(OsUpgrade(security=True), host)
    assert host.ran == ["dnf --quiet upgrade --assumeyes --security"]
    converge(OsUpgrade(autoremove=True, exclude=["nginx"]), host)

    assert packages_of(host).installed(["nginx", "git"]) == {"git": "2.39-1"}


YUM_TABLE = """\
Available Packages
a-package-with-a-very-long-name-that-yum-breaks-into-lines.noarch
                                      1:2.0-1.amzn2                   amzn2-core
nginx.x86_64                          1.22-1.amzn2                    amzn2-core
Obsoleting Packages
old.x86_64                            1-1                             amzn2-core
"""


def test_a_table_of_yum_is_read_though_its_lines_are_broken() -> None:
    long = "a-package-with-a-very-long-name-that-yum-breaks-into-lines"

    class Yum:
        def look(self, argv: list[str], host: FakeHost) -> Ran | None:
            return Ran(out=YUM_TABLE) if argv[:3] == ["yum", "--quiet", "list"] else None

        def do(self, argv: list[str], host: FakeHost) -> Ran | None:
            return None

    host = FakeHost(files={"/etc/os-release": "ID=amzn\nID_LIKE=rhel\n"}, programs=[Yum()], paths=["/usr/bin/yum"])

    assert packages_of(host).versions(long) == ["1:2.0-1.amzn2", "1.22-1.amzn2"]
    assert packages_of(host).similar("a-") == [long, "nginx"]


def test_a_lock_that_pacman_does_not_wait_for_is_tried_again() -> None:
    class Pacman:
        busy = 2

        def look(self, argv: list[str], host: FakeHost) -> Ran | None:
            return Ran(code=1) if argv[1] in ("-Q", "-Qu") else None

        def do(self, argv: list[str], host: FakeHost) -> Ran | None:
            self.busy -= 1
            return Ran() if self.busy < 0 else Ran(1, err="error: failed to init transaction (unable to lock database)")

    host = FakeHost(files={"/etc/os-release": "ID=arch\n"}, programs=[Pacman()], paths=["/usr/bin/pacman"])

    packages_of(host).remove(["nginx"])

    assert host.ran == ["pacman -R --noconfirm -- nginx"] * 3
