from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from cryptography import x509

from tests.agent.resources.case import Case
from toque.core import BadProperty, NotFound, ToqueError, converge, pki
from toque.resources.certificate import Certificate
from toque.resources.csr import Csr
from toque.testing.machine import FakeHost, Node

PATH, KEY, CA, CA_KEY, CSR = "/srv/shop.pem", "/srv/shop.key", "/srv/ca.pem", "/srv/ca.key", "/srv/shop.csr"
OWN_CA = Certificate(CA, key=CA_KEY, subject="CN=Our own CA", authority=True, days=3650)
SELF = Certificate(PATH, key=KEY, names=["shop.example", "10.0.0.1"])
SIGNED = Certificate(PATH, key=KEY, names=["shop.example"], ca=CA, ca_key=CA_KEY, chain=True)


def machine(*there: Any) -> FakeHost:
    """A machine on which these were brought about before."""
    host = FakeHost()
    for each in there:
        converge(each, host)
    host.ran.clear()
    return host


def found(host: FakeHost) -> x509.Certificate:
    return pki.read_certificates(PATH, host.nodes[PATH].content)[0]


def days_left(host: FakeHost, days: int) -> None:
    """Put a certificate there that ends so soon, with the key that it has."""
    key = pki.read_key(KEY, host.nodes[KEY].content)
    names = pki.alternative_names(SELF.names)
    order = pki.Order(key.public_key(), pki.name_of("", "CN=shop.example"), names, days)
    host.nodes[PATH].content = pki.new_certificate(order, key, None)


def test_a_certificate_comes_with_its_key() -> None:
    host = machine(SELF)

    assert host.nodes[KEY].mode == 0o600
    assert host.nodes[PATH].mode == 0o644
    assert found(host).subject.rfc4514_string() == "CN=shop.example"
    assert pki.names_in(found(host)) == ("shop.example", "10.0.0.1")
    assert not pki.is_authority(found(host))


def test_it_is_renewed_in_time_with_the_same_key() -> None:
    host = machine(SELF)
    days_left(host, 31)
    assert converge(SELF, host) is None
    days_left(host, 29)
    key = host.nodes[KEY].content

    change = converge(SELF, host)

    assert change is not None
    assert change.fields == {"in_time"}
    assert host.nodes[KEY].content == key


@pytest.mark.parametrize(
    ("want", "fields"),
    [
        pytest.param(Certificate(PATH, key=KEY, names=["shop.example"]), {"names"}, id="names"),
        pytest.param(
            Certificate(PATH, key=KEY, names=SELF.names, subject="CN=shop.example,O=Shop"), {"subject"}, id="subject"
        ),
        pytest.param(Certificate(PATH, key="/srv/new.key", names=SELF.names), {"matches_key"}, id="key"),
        pytest.param(Certificate(PATH, key=KEY, names=SELF.names, key_type="ed25519"), {"key_type"}, id="type"),
        pytest.param(
            Certificate(PATH, key=KEY, names=SELF.names, key_type="ec", key_bits=521), {"key_bits"}, id="bits"
        ),
        pytest.param(Certificate(PATH, key=KEY, names=SELF.names, authority=True), {"authority"}, id="authority"),
        pytest.param(Certificate(PATH, key=KEY, names=SELF.names, ca=CA, ca_key=CA_KEY), {"issuer"}, id="issuer"),
    ],
)
def test_whatever_differs_makes_a_new_one(want: Certificate, fields: set[str]) -> None:
    host = machine(OWN_CA, SELF)

    change = converge(want, host)

    assert change is not None
    assert change.fields == fields


def test_rights_are_corrected_without_a_new_one() -> None:
    host = machine(SELF)
    before = host.nodes[PATH].content

    converge(Certificate(PATH, key=KEY, names=SELF.names, mode="0600"), host)

    assert host.nodes[PATH] == Node(content=before, mode=0o600)


def test_an_authority_of_ones_own_signs_it_and_stands_behind_it() -> None:
    host = machine(OWN_CA, SIGNED)

    ca = pki.read_certificates(CA, host.nodes[CA].content)[0]
    assert pki.is_authority(ca)
    assert pki.issued_by(found(host), ca)
    assert pki.read_certificates(PATH, host.nodes[PATH].content)[1] == ca


def test_another_authority_signs_it_anew() -> None:
    host = machine(OWN_CA, SIGNED)
    host.remove(CA)
    host.remove(CA_KEY)
    converge(OWN_CA, host)

    change = converge(SIGNED, host)

    assert change is not None
    assert change.fields == {"issuer", "chain"}


def test_a_request_is_signed_as_it_asks() -> None:
    host = machine(OWN_CA, SELF, Csr(CSR, key=KEY, names=["b.example", "a.example"]))
    want = Certificate("/srv/signed.pem", request=CSR, ca=CA, ca_key=CA_KEY)

    converge(want, host)

    made = pki.read_certificates("", host.nodes["/srv/signed.pem"].content)[0]
    assert pki.names_in(made) == ("b.example", "a.example")
    assert pki.same_key(made.public_key(), found(host).public_key())
    converge(Csr(CSR, key=KEY, names=["c.example"]), host)
    assert converge(want, host) is not None


def test_what_may_not_sign_or_does_not_belong_together_is_said() -> None:
    with pytest.raises(ToqueError, match="was made without authority=True"):
        converge(SIGNED, machine(Certificate(CA, key=CA_KEY, subject="CN=x")))
    with pytest.raises(ToqueError, match="/srv/other.key is not the private key of /srv/ca.pem"):
        host = machine(OWN_CA, Certificate("/srv/other.pem", key="/srv/other.key", subject="CN=x"))
        converge(Certificate(PATH, key=KEY, names=["a"], ca=CA, ca_key="/srv/other.key"), host)
    with pytest.raises(NotFound, match="certificate of an authority called '/srv/ca.pem'"):
        converge(SIGNED, machine())


def test_a_key_that_cannot_be_read_is_never_replaced() -> None:
    host = machine()
    host.add(KEY, b"rubbish")

    with pytest.raises(pki.CannotRead):
        converge(SELF, host)

    assert host.nodes[KEY].content == b"rubbish"


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        pytest.param({}, "needs key", id="no-key"),
        pytest.param({"key": KEY}, "needs names or subject", id="no-names"),
        pytest.param({"key": KEY, "names": ["a"], "days": 30}, "renew_before must be less than days", id="renewal"),
        pytest.param({"key": KEY, "names": ["a"], "days": 0}, "days must be", id="days"),
        pytest.param({"key": KEY, "names": ["a"], "ca": CA}, "ca and ca_key go together", id="ca"),
        pytest.param({"key": KEY, "names": ["a"], "chain": True}, "chain goes with ca", id="chain"),
        pytest.param({"request": CSR}, "request needs ca", id="request-without-ca"),
        pytest.param({"request": CSR, "names": ["a"], "ca": CA, "ca_key": CA_KEY}, "name only that", id="request"),
        pytest.param({"key": KEY, "names": ["a b"]}, "certificate names must be hosts", id="names"),
        pytest.param({"key": KEY, "names": ["a", "a"]}, "name the same twice", id="twice"),
        pytest.param({"key": PATH, "names": ["a"]}, "key must be another file", id="key-in-its-place"),
        pytest.param({"key": "shop.key", "names": ["a"]}, "certificate key: needs an absolute path", id="path"),
    ],
)
def test_what_makes_no_certificate_is_refused(properties: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Certificate(PATH, **properties)


CASES = [
    Case(want, partial(machine, *there))
    for want in (
        SELF,
        SIGNED,
        Certificate(PATH, key=KEY, subject="CN=x", key_type="rsa", key_bits=2048, passphrase="correct horse", days=40),
        Certificate(PATH, request=CSR, ca=CA, ca_key=CA_KEY),
        Certificate(PATH, present=False),
    )
    for there in ((OWN_CA, Csr(CSR, key=CA_KEY, names=["z.example"])),)
]
CASES += [Case(SELF, partial(machine, OWN_CA, SIGNED)), Case(SIGNED, partial(machine, OWN_CA, SELF))]
