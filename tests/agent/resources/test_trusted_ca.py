from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, converge, pki
from toque.platforms.trust import NoStore
from toque.resources.trusted_ca import TrustedCa
from toque.testing.machine import FakeHost
from toque.testing.programs.trust import with_trust


def authority(name: str) -> str:
    key = pki.new_key("ec", None)
    order = pki.Order(key.public_key(), pki.name_of("", f"CN={name}"), None, 30, authority=True)
    return pki.new_certificate(order, key, None).decode()


ONE, TWO = authority("one"), authority("two")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
ANCHOR = "/usr/local/share/ca-certificates/own.crt"


def machine(program: str = "update-ca-certificates", found: str | None = None) -> FakeHost:
    host = with_trust(program)
    if found is not None:
        converge(TrustedCa("own", content=found), host)
        host.ran.clear()
    return host


def test_an_authority_is_put_into_the_store() -> None:
    host = machine()

    converge(TrustedCa("own", content=ONE), host)

    assert host.read(ANCHOR) == host.read(BUNDLE) == ONE.encode()
    assert host.ran[-1] == "update-ca-certificates"


def test_the_store_of_red_hat_has_places_of_its_own() -> None:
    host = machine("update-ca-trust")

    converge(TrustedCa("own", content=ONE), host)

    assert host.read("/etc/pki/ca-trust/source/anchors/own.pem") == ONE.encode()
    assert host.ran[-1] == "update-ca-trust extract"


def test_a_file_that_the_store_has_not_taken_in_is_not_trusted_yet() -> None:
    host = machine(found=ONE)
    host.add(BUNDLE, "")

    change = converge(TrustedCa("own", content=ONE), host)

    assert change is not None
    assert change.fields == {"trusted"}


def test_an_authority_is_trusted_no_more() -> None:
    host = machine(found=ONE)

    converge(TrustedCa("own", present=False), host)

    assert host.read(BUNDLE) == b""
    assert host.ran == [f"remove {ANCHOR}", "update-ca-certificates --fresh"]


def test_a_machine_without_a_store_says_what_brings_it() -> None:
    with pytest.raises(NoStore, match=r'package\("ca-certificates"\)'):
        converge(TrustedCa("own", content=ONE), FakeHost())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("hello", "there are 0 in it", id="none"),
        pytest.param(ONE + TWO, "there are 2 in it", id="two"),
        pytest.param(ONE + "-----BEGIN PRIVATE KEY-----", "must hold no private key", id="key"),
    ],
)
def test_what_is_not_one_certificate_is_refused(content: str, said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        converge(TrustedCa("own", content=content), machine())


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", ".x"])
def test_S22_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="trusted_ca name must be"):
        TrustedCa(name, content=ONE)


def test_content_and_source_are_one_of_two() -> None:
    with pytest.raises(BadProperty, match="content or source"):
        TrustedCa("own")


def example_machine() -> FakeHost:
    return machine(found=None)


CASES = [
    Case(want, partial(machine, program, found))
    for want in (TrustedCa("own", content=ONE), TrustedCa("own", present=False))
    for program in ("update-ca-certificates", "update-ca-trust")
    for found in (None, ONE, TWO)
]
