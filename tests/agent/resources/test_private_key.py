from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, Secret, converge
from toque.core.diffs import describe
from toque.core.pki import CannotRead, key_text, new_key, read_key
from toque.resources.private_key import PrivateKey
from toque.testing.machine import FakeHost, Node

PATH = "/srv/shop.key"
RSA = key_text(new_key("rsa", 2048))
EC = key_text(new_key("ec", 384))
LOCKED = key_text(new_key("ed25519", None), "correct horse")


def machine(content: bytes | None = None, mode: int = 0o600) -> FakeHost:
    return FakeHost(files={} if content is None else {PATH: Node(content=content, mode=mode)})


def test_a_new_key_is_of_the_usual_type_and_for_root_alone() -> None:
    host = machine()

    converge(PrivateKey(PATH), host)

    assert b"BEGIN PRIVATE KEY" in host.nodes[PATH].content
    assert host.nodes[PATH].mode == 0o600
    assert read_key(PATH, host.nodes[PATH].content).key_size == 256  # type: ignore[union-attr]


def test_a_key_that_is_there_is_kept() -> None:
    assert converge(PrivateKey(PATH), machine(RSA)) is None
    assert converge(PrivateKey(PATH, type="rsa", bits=2048), machine(RSA)) is None


def test_a_key_of_another_type_is_replaced() -> None:
    host = machine(RSA)

    change = converge(PrivateKey(PATH, type="ed25519"), host)

    assert change is not None
    assert change.fields == {"type"}
    assert host.nodes[PATH].content != RSA


def test_a_key_in_clear_is_encrypted_and_stays_the_same_key() -> None:
    host = machine(EC)

    converge(PrivateKey(PATH, passphrase=Secret("correct horse")), host)

    assert b"ENCRYPTED" in host.nodes[PATH].content
    kept = read_key(PATH, host.nodes[PATH].content, "correct horse")
    assert kept.public_key() == read_key(PATH, EC).public_key()


@pytest.mark.parametrize(
    ("content", "passphrase", "said"),
    [
        pytest.param(LOCKED, None, "is encrypted: give its passphrase", id="no-passphrase"),
        pytest.param(LOCKED, "battery staple", "the passphrase is wrong", id="wrong"),
        pytest.param(b"hello", None, "damaged, or no private key", id="no-key"),
    ],
)
def test_a_key_that_cannot_be_read_is_never_replaced(content: bytes, passphrase: str | None, said: str) -> None:
    host = machine(content)

    with pytest.raises(CannotRead, match=said):
        converge(PrivateKey(PATH, type="rsa", passphrase=passphrase), host)

    assert host.nodes[PATH].content == content


def test_rights_are_corrected_and_the_key_left() -> None:
    host = machine(EC, 0o644)

    converge(PrivateKey(PATH, group="root", mode="0640"), host)

    assert host.nodes[PATH] == Node(content=EC, mode=0o640)


def test_the_public_key_stands_beside_it_and_goes_with_it() -> None:
    host, want = machine(EC), PrivateKey(PATH, public="/srv/shop.pub")

    change = converge(want, host)

    assert change is not None
    assert change.fields == {"public"}
    assert host.ran == ["write /srv/shop.pub"]
    assert b"BEGIN PUBLIC KEY" in host.nodes["/srv/shop.pub"].content

    converge(PrivateKey(PATH, type="ed25519", public="/srv/shop.pub"), host)
    assert converge(want, host) is None

    converge(PrivateKey(PATH, public="/srv/shop.pub", present=False), host)
    assert host.names_in("/srv") == []


def test_a_public_key_that_is_left_alone_goes_as_well() -> None:
    host = machine(None)
    host.add("/srv/shop.pub", b"")

    converge(PrivateKey(PATH, public="/srv/shop.pub", present=False), host)

    assert host.names_in("/srv") == []


def test_no_report_shows_the_passphrase() -> None:
    want = PrivateKey(PATH, passphrase="open sesame")
    change = converge(want, machine())

    assert change is not None
    assert "open sesame" not in repr(describe(want, change))


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        pytest.param({"mode": "0644"}, "private_key mode must give others nothing", id="mode"),
        pytest.param({"type": "rsa", "bits": 1024}, "must be 2048 or 3072 or 4096 or 8192, got 1024", id="bits"),
        pytest.param({"type": "ed25519", "bits": 256}, "must be not given", id="no-bits"),
        pytest.param({"bits": 2048}, "bits goes with type", id="no-type"),
        pytest.param({"public": PATH}, "public must be another file", id="public"),
        pytest.param({"passphrase": "abc"}, "at least four characters", id="passphrase"),
    ],
)
def test_what_makes_no_good_key_is_refused(properties: dict[str, object], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        PrivateKey(PATH, **properties)  # type: ignore[arg-type]


CASES = [
    Case(want, partial(machine, found))
    for want in (
        PrivateKey(PATH),
        PrivateKey(PATH, type="ec", bits=521, owner="root", mode="0400"),
        PrivateKey(PATH, type="ed25519", passphrase="correct horse"),
        PrivateKey(PATH, present=False),
        PrivateKey(PATH, public="/srv/shop.pub", mode="0400"),
    )
    for found in (None, RSA, EC)
]
