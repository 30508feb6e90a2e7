"""Packages by dnf, zypper and pacman: the real programs, with repositories of small packages made here.

The sandbox says in os-release that it is a Fedora, an openSUSE or an Arch; the databases of these programs are empty on
a Debian, so nothing but their own packages is theirs.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.needs import needs, needs_root
from tests.system.case_packages import ARCH, RPMS, be, index_rpms, make_arch_repository, make_rpm
from tests.system.case_sandbox import Box, a_box
from tests.system.case_words import apply, put, toque
from toque.platforms.package.rpm import compare

pytestmark = [
    pytest.mark.root,
    pytest.mark.slow,
    needs_root(),
    needs("dnf", "zypper", "pacman", "rpmbuild", "createrepo_c"),
]

PROVES = ("os_upgrade", "package", "package_index", "yum_repository")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with a_box(tmp_path_factory.mktemp("data")) as made:
        made.start()
        # Debian's rpm looks into the home directory, everybody else's into the system's.
        put(made, "/etc/rpm/macros", b"%_dbpath /var/lib/rpm\n")
        yield made


@pytest.fixture
def rpms(box: Box) -> None:
    """A repository with version 1.0 of a tool, and an installed package: zypper fails on a database with none."""
    box.shell(f"rm -rf {RPMS}; rpm -e tool 2>/dev/null; true")
    make_rpm(box, "base", "1.0")
    make_rpm(box, "tool", "1.0")
    index_rpms(box)
    box.shell(f"rpm -q base || rpm -i --nodeps {RPMS}/base-1.0.rpm")


def release(box: Box, version: str) -> None:
    """Put another version of the tool beside those that the repository has."""
    make_rpm(box, "tool", version)
    index_rpms(box)


def recipe(*lines: str) -> str:
    return "\n".join(["from toque import os_upgrade, package, package_index, yum_repository", *lines, ""])


def installed(box: Box) -> str:
    return box.shell("cat /opt/tool/version 2>/dev/null || true")


def refused(box: Box, *lines: str) -> str:
    """What a recipe that fails says."""
    code, said = toque(box, "apply", recipe(*lines))
    assert code == 1, said
    return said


REPOSITORY = f"yum_repository('local', baseurl='file://{RPMS}', gpgcheck=False, priority=10, exclude=['nothing*'])"


@pytest.mark.usefixtures("rpms")
@pytest.mark.parametrize(
    ("system", "like", "folder"),
    [("fedora", "", "/etc/yum.repos.d"), ("opensuse-leap", "suse opensuse", "/etc/zypp/repos.d")],
    ids=["dnf", "zypper"],
)
def test_packages_come_are_held_change_their_version_and_go(box: Box, system: str, like: str, folder: str) -> None:
    be(box, system, like)

    apply(box, recipe(REPOSITORY, "package(['tool', 'base'], recommends=False, held=True)", "package('virtual-tool')"))
    assert installed(box) == "1.0"
    assert "priority=10" in box.run("cat", f"{folder}/local.repo")

    release(box, "1.5")
    release(box, "2.0")
    within = "package('tool', version='>= 1.2, < 2', held=True)"
    code, said = toque(box, "apply", recipe("package_index(max_age=0)", within, "os_upgrade()"))
    assert code == 0, said
    assert "package_index[lists] changed" in said
    assert "os_upgrade" not in said  # it is held
    assert installed(box) == "1.5"

    assert "tool is not to be had in version 3 (there are: " in refused(box, "package('tool', version='3', held=False)")
    assert "no package is called 'tolo' (did you mean tool?)" in refused(box, "package('tolo')")
    assert "-tool 1.5-1 → 2.0-1" in apply(box, recipe("os_upgrade()"))

    code, said = toque(box, "apply", recipe("package('tool', version='1.0', downgrade=True)"))
    assert (code, installed(box)) == (0, "1.0"), said
    apply(box, recipe("package('tool', upgrade=True)"))
    assert installed(box) == "2.0"

    apply(box, recipe("package('tool', present=False)", "yum_repository('local', present=False)"))
    assert installed(box) == ""


@pytest.mark.usefixtures("rpms")
@needs("gpg")
def test_a_repository_is_believed_by_its_key_alone_and_put_back_if_it_is_not(box: Box) -> None:
    be(box, "fedora")
    gpg = "gpg --homedir /srv/gnupg --batch --quiet --pinentry-mode loopback --passphrase ''"
    box.shell(f"mkdir -m 700 /srv/gnupg; {gpg} --quick-generate-key test@example.org rsa2048 sign never")
    box.shell(f"{gpg} --armor --export > /srv/key; {gpg} --armor --detach-sign {RPMS}/repodata/repomd.xml")
    fingerprint = box.shell(f"{gpg} --with-colons --list-keys | awk -F: '/^fpr/ {{ print $10; exit }}'")
    box.shell("gpgconf --homedir /srv/gnupg --kill gpg-agent")
    word = f"""yum_repository("signed", baseurl="file://{RPMS}", repo_gpgcheck=True, gpgkey="file:///srv/key",
                              fingerprint="{fingerprint}", allow_insecure=True)"""

    apply(box, recipe(word))
    assert "signed" in box.run("dnf", "repolist")
    assert box.run("rpm", "-q", "gpg-pubkey") == f"gpg-pubkey-{fingerprint[-8:].lower()}-" + box.shell(
        "rpm -q --qf '%{release}' gpg-pubkey"
    )

    apply(box, recipe("yum_repository('signed', present=False)"))
    box.shell(f"rm -rf /var/cache/dnf; echo >> {RPMS}/repodata/repomd.xml")
    assert "GPG" in refused(box, word)
    assert box.run("find", "/etc/yum.repos.d", "/etc/pki/rpm-gpg", "-name", "*signed*") == ""


VERSIONS = [
    "1.0-1",
    "1.0-10",
    "1.0~rc1-1",
    "1.0^git1-1",
    "1.0a-1",
    "1.0.1-1",
    "2:0.9-3",
    "1.00-1",
    "1_0-1",
    "1.a-1",
    "10-1",
]


def test_versions_are_ordered_as_rpm_itself_does() -> None:
    pairs = [(one, other) for one in VERSIONS for other in VERSIONS]
    asked = " ".join(f'print(rpm.vercmp("{one}", "{other}") .. " ")' for one, other in pairs)
    said = subprocess.run(["rpm", "--eval", "%{lua:" + asked + "}"], capture_output=True, check=True).stdout.split()

    assert [(pair, compare(*pair)) for pair in pairs] == [
        (pair, int(sign)) for pair, sign in zip(pairs, said, strict=True)
    ]


def test_pacman_installs_holds_upgrades_and_removes(box: Box) -> None:
    be(box, "arch")
    make_arch_repository(box, "tool", "1.0-1")
    options = "[options]\nArchitecture = auto\nSigLevel = Never\n\n"
    put(box, "/etc/pacman.conf", f"{options}[toque]\nServer = file://{ARCH}\n".encode())

    apply(box, recipe("package('tool', held=True)", "package('virtual-tool')"))
    assert installed(box) == "1.0-1"

    make_arch_repository(box, "tool", "2.0-1")
    code, said = toque(box, "apply", recipe("package_index(max_age=0)", "os_upgrade()"))
    assert code == 0, said
    assert "package_index[lists] changed" in said
    assert "os_upgrade" not in said  # it is held
    assert "-tool 1.0-1 → 2.0-1" in apply(box, recipe("package('tool', held=False)", "os_upgrade()"))
    assert installed(box) == "2.0-1"

    apply(box, recipe(f"package('tool', file='{ARCH}/tool-1.0-1-any.pkg.tar.gz', downgrade=True)"))
    assert installed(box) == "1.0-1"
    assert toque(box, "apply", recipe("package('tool', version='2.*')"))[0] == 0
    assert installed(box) == "2.0-1"

    box.run("touch", "/var/lib/pacman/db.lck")
    assert "unable to lock database" in refused(box, "package('tool', present=False, lock_timeout=0)")
    box.run("rm", "/var/lib/pacman/db.lck")
    apply(box, recipe("package('tool', present=False)"))
    assert installed(box) == ""
    assert "no package is called 'tolo' (did you mean tool?)" in refused(box, "package('tolo')")
