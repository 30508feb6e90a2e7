from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, converge
from toque.resources.limits import Limits
from toque.testing.machine import FakeHost, Node

PATH = "/etc/security/limits.d/shop.conf"


def machine(content: str | None = None, mode: int = 0o644) -> FakeHost:
    return FakeHost(files={} if content is None else {PATH: Node(content=content.encode(), mode=mode)})


def test_a_limit_is_a_file_of_its_own() -> None:
    host = machine()

    converge(Limits("shop", domain="@deploy", item="nofile", soft=1024, hard="unlimited"), host)

    assert host.nodes[PATH] == Node(content=b"@deploy soft nofile 1024\n@deploy hard nofile unlimited\n", mode=0o644)


def test_only_what_is_given_is_limited() -> None:
    host = machine()

    converge(Limits("shop", domain="*", item="core", hard=0), host)

    assert host.read(PATH) == b"* hard core 0\n"


def test_another_value_takes_its_place_and_the_limit_goes_again() -> None:
    host = machine("* hard core 0\n", 0o666)

    converge(Limits("shop", domain="1000:", item="nice", soft=-5), host)
    assert host.nodes[PATH] == Node(content=b"1000: soft nice -5\n", mode=0o644)

    converge(Limits("shop", present=False), host)
    assert PATH not in host.nodes


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        pytest.param({"domain": "a b"}, "limits domain must be", id="domain"),
        pytest.param({"domain": "a\n* hard core 0"}, "limits domain must be", id="second-line"),
        pytest.param({"domain": "-a"}, "limits domain must be", id="option"),
        pytest.param({"item": None}, "limits needs item", id="item"),
        pytest.param({"soft": None}, "limits needs soft or hard", id="nothing"),
        pytest.param({"soft": 2, "hard": 1}, "soft must not be above hard", id="above"),
        pytest.param({"soft": "unlimited", "hard": 1}, "soft must not be above hard", id="unlimited"),
        pytest.param({"soft": -1}, "must not be -1", id="below-zero"),
    ],
)
def test_S22_what_is_no_limit_is_refused(properties: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Limits("shop", **({"domain": "deploy", "item": "nofile", "soft": 1} | properties))


@pytest.mark.parametrize("name", ["", "../x", "a b", ".x"])
def test_S22_a_name_that_is_no_file_name_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="limits name must be"):
        Limits(name, domain="*", item="core", hard=0)


CASES = [
    Case(want, partial(machine, found))
    for want in (
        Limits("shop", domain="deploy", item="nofile", soft=1, hard=2),
        Limits("shop", domain="*", item="core", hard=0),
        Limits("shop", present=False),
    )
    for found in (None, "* hard core 0\n")
]
