from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agent.resources.case import Case
from tests.fakes.openpgp_keys import FINGERPRINT, KEY, OTHER_KEY
from toque.core import BadProperty, CommandFailed, Secret, converge
from toque.platforms.package import NotSupported
from toque.platforms.package.keys import WrongKey
from toque.resources.yum_repository import YumRepository
from toque.testing.machine import FakeHost
from toque.testing.programs.apt import debian
from toque.testing.programs.dnf import fedora, fedora_with

FILE, KEY_FILE = "/etc/yum.repos.d/tools.repo", "/etc/pki/rpm-gpg/RPM-GPG-KEY-tools"


def repository(**properties: Any) -> YumRepository:
    return YumRepository("tools", **({"baseurl": "https://example.org/$releasever"} | properties))


def text(host: FakeHost) -> str:
    return (host.read(FILE) or b"").decode()


def test_a_repository_is_one_file_with_what_the_recipe_says_and_no_more() -> None:
    host = fedora()

    converge(
        repository(
            baseurl=["https://a.example.org/", "https://b.example.org/"],
            description="Our tools",
            priority=10,
            exclude=["kernel*", "nginx"],
            module_hotfixes=True,
            sslverify=False,
            proxy="http://proxy:3128",
            gpgkey="https://example.org/key",
            options={"metadata_expire": "6h"},
        ),
        host,
    )

    assert text(host).splitlines()[1:] == [
        "[tools]",
        "name=Our tools",
        "baseurl=https://a.example.org/",
        "    https://b.example.org/",
        "enabled=1",
        "gpgcheck=1",
        "gpgkey=https://example.org/key",
        "priority=10",
        "exclude=kernel* nginx",
        "module_hotfixes=1",
        "proxy=http://proxy:3128",
        "sslverify=0",
        "metadata_expire=6h",
    ]


def test_only_its_own_lists_are_fetched_and_only_while_it_is_enabled() -> None:
    host = fedora()

    converge(repository(), host)
    assert converge(repository(), host) is None
    converge(repository(enabled=False), host)

    [fetched] = [line for line in host.ran if "makecache" in line]
    assert "--disablerepo=* --enablerepo=tools --setopt=tools.skip_if_unavailable=False" in fetched


def test_what_cannot_be_fetched_is_put_back_as_it_was() -> None:
    host = fedora(broken={"tools"}, files={FILE: "mine\n"})

    with pytest.raises(CommandFailed, match="Failed to download metadata"):
        converge(repository(gpgkey=KEY), host)

    assert text(host) == "mine\n"
    assert host.entry(KEY_FILE) is None


def test_a_key_of_the_recipe_is_kept_on_the_machine_and_made_known_to_rpm() -> None:
    host = fedora()

    converge(repository(gpgkey=KEY), host)

    assert host.read(KEY_FILE) == KEY.encode()
    assert f"gpgkey=file://{KEY_FILE}" in text(host)
    assert f"rpm --import {KEY_FILE}" in host.ran


def test_a_key_from_a_url_with_a_fingerprint_is_believed_by_that_alone(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(OTHER_KEY)
    want = repository(gpgkey=f"file://{tmp_path}/key", fingerprint=FINGERPRINT, allow_insecure=True)
    host = fedora()

    with pytest.raises(WrongKey, match="nothing was changed"):
        converge(want, host)
    assert text(host) == ""
    (tmp_path / "key").write_text(KEY)
    converge(want, host)

    assert host.read(KEY_FILE) == KEY.encode()


def test_on_suse_it_stands_where_zypper_looks() -> None:
    host = FakeHost(files={"/etc/os-release": 'ID="sles"\nID_LIKE="suse"\n', "/etc/zypp/repos.d/tools.repo": "x"})

    converge(YumRepository("tools", present=False), host)

    assert host.ran == ["remove /etc/zypp/repos.d/tools.repo"]


def test_a_removed_repository_leaves_no_key() -> None:
    host = fedora()
    converge(repository(gpgkey=KEY), host)

    converge(YumRepository("tools", present=False), host)

    assert [path for path in (FILE, KEY_FILE) if host.entry(path)] == []
    assert converge(YumRepository("tools", present=False), host) is None


def test_on_a_debian_it_says_whose_word_it_is() -> None:
    with pytest.raises(NotSupported, match="yum_repository is for dnf, yum and zypper: this system has apt"):
        converge(repository(), debian())


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"baseurl": ()}, "needs one of baseurl, mirrorlist and metalink"),
        ({"mirrorlist": "https://x/"}, "needs one of baseurl, mirrorlist and metalink"),
        ({"baseurl": "https://x/\nenabled=0"}, "baseurl must be a URL"),
        ({"description": "a\n[other]"}, "must be a setting with a value of one line"),
        ({"options": {"a b": "x"}}, "'a b' must be a setting"),
        ({"priority": 100}, "priority must be 1"),
        ({"exclude": ["a b"]}, "exclude must be like"),
        ({"proxy": "proxy:3128 x"}, "proxy must be a URL"),
        ({"fingerprint": FINGERPRINT}, "fingerprint goes with gpgkey"),
        ({"gpgkey": "http://example.org/key"}, "gpgkey must be https or come with fingerprint"),
        ({"gpgkey": "http://example.org/key", "fingerprint": FINGERPRINT}, "nothing proves what comes over http"),
        ({"gpgkey": KEY, "fingerprint": "A" * 40}, "key has the fingerprint"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_S22_what_could_become_another_setting_is_refused(properties: dict[str, Any], says: str) -> None:
    with pytest.raises(BadProperty, match=says):
        repository(**properties)


def test_a_file_with_a_password_is_for_root_alone() -> None:
    host = fedora()

    converge(repository(options={"username": "shop", "password": Secret("hush!")}), host)

    assert host.nodes[FILE].mode == 0o600


CASES = [
    Case(want, fedora_with(files=files))
    for want in (repository(), repository(gpgkey=KEY, priority=5), YumRepository("tools", present=False))
    for files in ({}, {FILE: "[tools]\n"}, {KEY_FILE: "no key"})
]
