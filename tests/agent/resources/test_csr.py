from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, NotFound, converge
from toque.core.pki import key_text, name_of, new_key, new_request, read_key
from toque.resources.csr import Csr
from toque.testing.machine import FakeHost, Node

KEY, PATH = "/srv/shop.key", "/srv/shop.csr"
ONE, TWO = key_text(new_key("ec", None)), key_text(new_key("ed25519", None))


def request(key: bytes, *names: str) -> bytes:
    return new_request(read_key(KEY, key), name_of("csr subject", f"CN={names[0]}"), names)


def machine(found: bytes | None = None, *, key: bytes | None = ONE) -> FakeHost:
    files = {path: Node(content=content) for path, content in ((KEY, key), (PATH, found)) if content is not None}
    return FakeHost(files=dict(files))


example_machine = partial(machine, key=ONE)


def test_a_request_is_kept_as_long_as_it_says_the_same() -> None:
    host = machine(request(ONE, "shop.example"))

    assert converge(Csr(PATH, key=KEY, names=["shop.example"]), host) is None


@pytest.mark.parametrize(
    ("found", "wanted", "fields"),
    [
        pytest.param(request(TWO, "a.example"), {"names": ["a.example"]}, {"matches_key"}, id="another-key"),
        pytest.param(request(ONE, "a.example"), {"names": ["a.example", "::0001"]}, {"names"}, id="names"),
        pytest.param(request(ONE, "a"), {"names": ["a"], "subject": "CN=a,O=Shop\\, Inc"}, {"subject"}, id="subject"),
        pytest.param(b"rubbish", {"names": ["a"]}, {"subject", "names", "matches_key"}, id="no-request"),
    ],
)
def test_a_request_that_says_something_else_is_made_anew(
    found: bytes, wanted: dict[str, object], fields: set[str]
) -> None:
    change = converge(Csr(PATH, key=KEY, **wanted), machine(found))  # type: ignore[arg-type]

    assert change is not None
    assert change.fields == fields


def test_a_key_that_is_missing_is_named() -> None:
    with pytest.raises(NotFound, match="no private key .* called '/srv/shop.key'"):
        converge(Csr(PATH, key=KEY, names=["a"]), machine(key=None))


@pytest.mark.parametrize("name", ["a b", "a,b", "-a.example", "a.example\n", "ü.example", "*.*.a", "", "x" * 64])
def test_S22_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="csr names must be hosts"):
        Csr(PATH, key=KEY, names=[name])


@pytest.mark.parametrize("subject", ["", "shop", "CN=", "CN=a\nO=b"])
def test_S22_what_is_no_subject_is_refused(subject: str) -> None:
    with pytest.raises(BadProperty, match="csr subject must be"):
        Csr(PATH, key=KEY, subject=subject)


def test_a_subject_that_only_the_library_can_tell_wrong_is_a_bad_property_too() -> None:
    with pytest.raises(BadProperty, match="csr subject must be"):
        converge(Csr(PATH, key=KEY, subject="C=Germany"), machine())


CASES = [
    Case(want, partial(machine, found))
    for want in (
        Csr(PATH, key=KEY, names=["a.example", "10.0.0.1", "mail@a.example", "https://a.example/x"], mode="0640"),
        Csr(PATH, key=KEY, subject="CN=a.example,O=A", owner="root"),
        Csr(PATH, present=False),
    )
    for found in (None, request(ONE, "a.example"), request(TWO, "a.example"))
]
