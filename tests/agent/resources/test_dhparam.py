from __future__ import annotations

import subprocess
from functools import partial

import pytest

from tests.agent.resources.case import Case
from tests.needs import needs
from toque.core import BadProperty, Ran, ToqueError, converge
from toque.core.dh_groups import SIZES, pem, prime, prime_in
from toque.resources.dhparam import Dhparam
from toque.testing.machine import FakeHost, Node

PATH = "/srv/dh.pem"
OWN = pem((1 << 2048) - 1)


def machine(content: bytes | None = None) -> FakeHost:
    answers = {("openssl", "dhparam", "2048"): Ran(out=OWN.decode())}
    files = {} if content is None else {PATH: Node(content=content)}
    return FakeHost(files=dict(files), paths=["/usr/bin/openssl"], answers=dict(answers))


@needs("openssl")
@pytest.mark.parametrize("bits", SIZES)
def test_the_groups_are_those_of_RFC_7919_as_openssl_has_them(bits: int) -> None:
    argv = ["openssl", "pkeyparam", "-text", "-noout"]
    shown = subprocess.run(argv, input=pem(prime(bits)), capture_output=True, check=True).stdout.decode()

    assert f"ffdhe{bits}" in shown or f"DH Parameters: ({bits} bit)" in shown
    made = subprocess.run(
        ["openssl", "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", f"group:ffdhe{bits}", "-text"],
        capture_output=True,
        check=True,
    )
    assert f"GROUP: ffdhe{bits}" in made.stdout.decode()
    assert prime_in(pem(prime(bits))) == prime(bits)


def test_the_named_group_is_there_at_once_without_any_program() -> None:
    host = machine()

    converge(Dhparam(PATH, bits=3072), host)

    assert prime_in(host.nodes[PATH].content) == prime(3072)
    assert host.ran == [f"write {PATH}"]


def test_numbers_of_ones_own_are_searched_once() -> None:
    host, want = machine(pem(prime(2048))), Dhparam(PATH, generated=True)

    converge(want, host)

    assert host.nodes[PATH].content == OWN
    assert converge(want, host) is None


def test_without_openssl_the_error_says_what_installs_it() -> None:
    with pytest.raises(ToqueError, match=r'package\("openssl"\)'):
        converge(Dhparam(PATH, generated=True), FakeHost())


@pytest.mark.parametrize("content", [b"", b"rubbish", OWN[:90], OWN.replace(b"MII", b"AII", 1)], ids=range(4))
def test_what_is_no_parameters_is_replaced(content: bytes) -> None:
    host = machine(content)

    converge(Dhparam(PATH), host)

    assert prime_in(host.nodes[PATH].content) == prime(2048)


def test_a_size_that_is_weak_or_unknown_is_refused() -> None:
    with pytest.raises(BadProperty, match="must be 2048, 3072, 4096, 6144 or 8192, got 1024"):
        Dhparam(PATH, bits=1024)


CASES = [
    Case(want, partial(machine, found))
    for want in (
        Dhparam(PATH),
        Dhparam(PATH, bits=4096, mode="0600", owner="root"),
        Dhparam(PATH, generated=True),
        Dhparam(PATH, present=False),
    )
    for found in (None, OWN, b"rubbish", pem(prime(2048)))
]
