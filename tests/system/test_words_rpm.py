"""Packages by dnf, zypper and pacman: the real programs, with repositories of small packages made here.

The sandbox says in os-release that it is a Fedora, an openSUSE or an Arch; the databases of these programs are empty on
a Debian, so nothing but their own packages is theirs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.needs import needs, needs_root
from tests.system.case_packages import ARCH, RPMS, be, index_rpms, make_arch_repository, make_rpm
from tests.system.case_sandbox import Box, a_box
from tests.system.case_words import apply, put, toque

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


def word(**properties: object) -> str:
    said = "".join(f", {name}={value!r}" for name, value in properties.items())
    return f"from toque import package, package_index\npackage('tool'{said})\n"


def installed(box: Box) -> str:
    return box.shell("cat /opt/tool/version 2>/dev/null || true")


FETCH = "from toque import package_index\npackage_index(max_age=0)\n"

REPOSITORY = f"""
    from toque import yum_repository
    yum_repository("local", baseurl="file://{RPMS}", gpgcheck=False, priority=10, exclude=["nothing*"])
    """


@pytest.mark.usefixtures("rpms")
@pytest.mark.parametrize(
    ("system", "like", "folder"),
    [("fedora", "", "/etc/yum.repos.d"), ("opensuse-leap", "suse opensuse", "/etc/zypp/repos.d")],
    ids=["dnf", "zypper"],
)
def test_packages_come_are_held_change_their_version_and_go(box: Box, system: str, like: str, folder: str) -> None:
    be(box, system, like)
    apply(box, REPOSITORY)
    assert "priority=10" in box.run("cat", f"{folder}/local.repo")

    apply(box, word(recommends=False))
    assert installed(box) == "1.0"
    code, said = toque(box, "plan", "from toque import package\npackage(['tool', 'virtual-tool', 'base'])\n")
    assert code == 0, said

    release(box, "1.5")
    release(box, "2.0")
    assert "package_index[lists] changed" in toque(box, "apply", FETCH)[1]
    assert "package_index" not in toque(box, "apply", FETCH)[1]
    apply(box, word(version=">= 1.2, < 2", held=True))
    assert installed(box) == "1.5"
    assert toque(box, "plan", OS_UPGRADE)[0] == 0  # it is held

    apply(box, word(version="1.0", downgrade=True, held=True))
    assert installed(box) == "1.0"
    code, said = toque(box, "apply", word(version="2.0"))
    assert code == 1
    assert "or held=True to hold" in said
    code, said = toque(box, "apply", word(version="3", held=False))
    assert code == 1
    assert "tool is not to be had in version 3 (there are: " in said

    assert "-tool 1.0-1 → 2.0-1" in apply(box, OS_UPGRADE)
    assert installed(box) == "2.0"

    apply(box, word(version="1.0-1", downgrade=True))
    apply(box, word(upgrade=True))
    assert installed(box) == "2.0"

    apply(box, word(present=False))
    assert installed(box) == ""
    code, said = toque(box, "apply", "from toque import package\npackage('tolo')\n")
    assert code == 1
    assert "no package is called 'tolo' (did you mean tool?)" in said


OS_UPGRADE = "from toque import os_upgrade\nos_upgrade()\n"


@pytest.mark.usefixtures("rpms")
@needs("gpg")
def test_a_repository_is_believed_by_its_key_alone_and_put_back_if_it_is_not(box: Box) -> None:
    be(box, "fedora")
    gpg = "gpg --homedir /srv/gnupg --batch --quiet --pinentry-mode loopback --passphrase ''"
    box.shell(f"mkdir -m 700 /srv/gnupg; {gpg} --quick-generate-key test@example.org rsa2048 sign never")
    box.shell(f"{gpg} --armor --export > /srv/key; {gpg} --armor --detach-sign {RPMS}/repodata/repomd.xml")
    fingerprint = box.shell(f"{gpg} --with-colons --list-keys | awk -F: '/^fpr/ {{ print $10; exit }}'")
    box.shell("gpgconf --homedir /srv/gnupg --kill gpg-agent")
    recipe = f"""
        from toque import yum_repository
        yum_repository("signed", baseurl="file://{RPMS}", repo_gpgcheck=True, gpgkey="file:///srv/key",
                       fingerprint="{fingerprint}", allow_insecure=True)
        """

    apply(box, recipe)
    assert "signed" in box.run("dnf", "repolist")
    assert box.run("rpm", "-q", "gpg-pubkey") == f"gpg-pubkey-{fingerprint[-8:].lower()}-" + box.shell(
        "rpm -q --qf '%{release}' gpg-pubkey"
    )

    apply(box, "from toque import yum_repository\nyum_repository('signed', present=False)\n")
    box.shell(f"rm -rf /var/cache/dnf; echo >> {RPMS}/repodata/repomd.xml")
    code, said = toque(box, "apply", recipe)
    assert code == 1
    assert "GPG" in said
    assert box.run("find", "/etc/yum.repos.d", "/etc/pki/rpm-gpg", "-name", "*signed*") == ""


def test_pacman_installs_holds_upgrades_and_removes(box: Box) -> None:
    be(box, "arch")
    make_arch_repository(box, "tool", "1.0-1")
    options = "[options]\nArchitecture = auto\nSigLevel = Never\n\n"
    put(box, "/etc/pacman.conf", f"{options}[toque]\nServer = file://{ARCH}\n".encode())

    apply(box, word(held=True))
    assert installed(box) == "1.0-1"
    assert toque(box, "plan", "from toque import package\npackage(['tool', 'virtual-tool'])\n")[0] == 0

    make_arch_repository(box, "tool", "2.0-1")
    assert "package_index[lists] changed" in toque(box, "apply", FETCH)[1]
    assert toque(box, "plan", OS_UPGRADE)[0] == 0  # it is held
    apply(box, word(held=False))
    assert "-tool 1.0-1 → 2.0-1" in apply(box, OS_UPGRADE)
    assert installed(box) == "2.0-1"

    apply(box, word(file=f"{ARCH}/tool-1.0-1-any.pkg.tar.gz", downgrade=True))
    assert installed(box) == "1.0-1"
    apply(box, word(version="2.*"))
    assert installed(box) == "2.0-1"

    box.run("touch", "/var/lib/pacman/db.lck")
    code, said = toque(box, "apply", word(present=False, lock_timeout=0))
    assert code == 1
    assert "unable to lock database" in said
    box.run("rm", "/var/lib/pacman/db.lck")
    apply(box, word(present=False))
    assert installed(box) == ""
    code, said = toque(box, "apply", "from toque import package\npackage('tolo')\n")
    assert "no package is called 'tolo' (did you mean tool?)" in said
