from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agent.resources.case import Case
from tests.fakes.openpgp_keys import FINGERPRINT, KEY, OTHER_KEY
from toque.core import BadProperty, CommandFailed, Secret, converge
from toque.core.openpgp import dearmored
from toque.platforms.package.keys import WrongKey
from toque.resources.apt_repository import AptRepository
from toque.testing.machine import FakeHost
from toque.testing.programs.apt import debian, debian_with

FILE, KEYRING, PIN = (
    "/etc/apt/sources.list.d/tools.sources",
    "/etc/apt/keyrings/tools.gpg",
    "/etc/apt/preferences.d/tools.pref",
)


def repository(**properties: Any) -> AptRepository:
    usual = {"uris": "https://example.org/debian", "suites": "bookworm", "components": ["main"], "key": KEY}
    return AptRepository("tools", **(usual | properties))


def text(host: FakeHost, path: str) -> str:
    return (host.read(path) or b"").decode()


def updates(host: FakeHost) -> list[str]:
    return [line.partition(" update ")[2] for line in host.ran if " update " in line]


def test_a_repository_is_one_file_that_believes_one_key() -> None:
    host = debian()

    converge(repository(architectures=["amd64", "arm64"], options={"Languages": "none"}), host)

    assert text(host, FILE).splitlines()[1:] == [
        "Types: deb",
        "URIs: https://example.org/debian",
        "Suites: bookworm",
        "Components: main",
        "Architectures: amd64 arm64",
        f"Signed-By: {KEYRING}",
        "Languages: none",
    ]
    assert host.read(KEYRING) == dearmored(KEY.encode())
    assert host.nodes[KEYRING].mode == 0o644


def test_only_its_own_lists_are_fetched_and_only_when_it_changed() -> None:
    host = debian()

    converge(repository(), host)
    assert converge(repository(), host) is None
    converge(repository(priority=990), host)

    assert updates(host) == [
        f"-o Dir::Etc::sourcelist={FILE} -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0"
        " -o APT::Update::Error-Mode=any"
    ]


def test_what_cannot_be_fetched_is_put_back_as_it_was() -> None:
    host = debian(refused={"tools.sources"}, files={FILE: "mine\n"})

    with pytest.raises(CommandFailed, match="is not signed"):
        converge(repository(priority=1), host)

    assert text(host, FILE) == "mine\n"
    assert host.read(KEYRING) is None
    assert host.read(PIN) is None


def test_a_priority_is_a_pin_on_the_host_or_on_what_is_said() -> None:
    host = debian()

    converge(repository(priority=990), host)
    assert text(host, PIN).splitlines()[1:] == ["Package: *", 'Pin: origin "example.org"', "Pin-Priority: 990"]
    change = converge(repository(priority=100, pin="release o=Tools"), host)

    assert change is not None
    assert change.fields == {"priority"}
    assert "Pin: release o=Tools" in text(host, PIN)


def test_a_key_from_a_url_is_fetched_once_and_only_believed_by_its_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY)
    url = f"file://{tmp_path}/key"
    spaced = " ".join(FINGERPRINT[at : at + 4] for at in range(0, 40, 4)).lower()
    want = repository(key=url, fingerprint=spaced, allow_insecure=True)
    host = debian()

    converge(want, host)
    (tmp_path / "key").write_text(OTHER_KEY)

    assert host.read(KEYRING) == dearmored(KEY.encode())
    assert converge(want, host) is None
    host = debian()
    with pytest.raises(WrongKey, match=f"not {FINGERPRINT}: nothing was changed"):
        converge(want, host)
    (tmp_path / "key").write_text(KEY + OTHER_KEY)
    with pytest.raises(WrongKey):
        converge(want, host)
    assert host.read(FILE) is None


def test_a_new_key_in_the_recipe_replaces_the_old_and_the_lists_are_fetched_with_it() -> None:
    host = debian()
    converge(repository(), host)

    change = converge(repository(key=OTHER_KEY), host)

    assert change is not None
    assert change.fields == {"key"}
    assert len(updates(host)) == 2


def test_a_keyring_of_the_machine_is_named_and_left_alone() -> None:
    host = debian()

    converge(repository(key="/usr/share/keyrings/debian-archive-keyring.gpg"), host)

    assert "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg" in text(host, FILE)
    assert host.read(KEYRING) is None


def test_a_removed_repository_leaves_no_key_and_no_pin() -> None:
    host = debian()
    converge(repository(priority=990), host)

    converge(AptRepository("tools", present=False), host)

    assert [path for path in (FILE, KEYRING, PIN) if host.entry(path)] == []
    assert converge(AptRepository("tools", present=False), host) is None


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"uris": "example.org"}, "uris must be a URL"),
        ({"uris": "https://a b"}, "uris must be a URL"),
        ({"uris": "https://a\nTrusted:yes"}, "uris must be a URL"),
        ({"suites": "a\nb"}, "suites must be like 'bookworm'"),
        ({"suites": ()}, "needs uris and suites"),
        ({"components": ()}, "needs components"),
        ({"suites": "./"}, "needs components"),
        ({"components": ["-o"]}, "components must be like"),
        ({"types": ["rpm"]}, "types must be like 'deb'"),
        ({"options": {"Signed-By": "/x"}}, "options must map further fields"),
        ({"options": {"X": "a\nTrusted: yes"}}, "options must map further fields"),
        ({"pin": "release o=x"}, "goes with priority"),
        ({"key": "https://example.org/key"}, "key from a URL needs fingerprint"),
        ({"key": "https://example.org/key", "fingerprint": "short"}, "fingerprint must be the 40 hexadecimal digits"),
        ({"key": "http://example.org/key", "fingerprint": FINGERPRINT}, "nothing proves what comes over http"),
        ({"fingerprint": "A" * 40}, f"key has the fingerprint {FINGERPRINT}, not A"),
        ({"key": "/etc/key gpg"}, "key must be like"),
        ({"key": KEY[:100]}, "key cannot be used: the text begins as a PGP public key and does not end"),
        ({"key": None, "fingerprint": FINGERPRINT}, "fingerprint goes with a key"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_S22_what_could_become_another_field_or_another_key_is_refused(properties: dict[str, Any], says: str) -> None:
    with pytest.raises(BadProperty, match=says):
        repository(**properties)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "-x", "a b"], ids=repr)
def test_S22_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="name must be like"):
        AptRepository(name, present=False)


@pytest.mark.parametrize(
    "uri",
    [
        pytest.param("https://shop:hush@example.org/debian", id="in-clear"),
        pytest.param(Secret("https://example.org/hush/debian"), id="secret"),
    ],
)
def test_a_password_that_all_could_read_is_refused(uri: str) -> None:
    with pytest.raises(BadProperty, match=r"must hold no password, .* /etc/apt/auth\.conf\.d"):
        repository(uris=uri)


CASES = [
    Case(want, debian_with(files=files))
    for want in (
        repository(),
        repository(key=None, suites="./", components=[], priority=5),
        AptRepository("tools", present=False),
    )
    for files in ({}, {FILE: "Types: deb\n", PIN: "Pin-Priority: 1\n"}, {KEYRING: "no key"})
]
