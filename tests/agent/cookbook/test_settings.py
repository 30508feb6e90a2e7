from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from toque.cookbook.settings import BadSetting, build
from toque.core import Secret
from toque.core.attributes import Append, Delete


@dataclass(frozen=True)
class Tls:
    on: bool = False
    port: int = 443


@dataclass(frozen=True)
class Web:
    name: str
    port: int = 80
    ratio: float = 0.5
    mode: Literal["fast", "safe"] = "safe"
    owner: str | None = None
    tls: Tls = Tls(port=8443)
    hosts: list[str] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=lambda: {"cpu": 1})


def test_what_is_not_set_keeps_its_default() -> None:
    assert build(Web, {"name": "x"}, "web") == Web("x")


def test_maps_merge_and_everything_else_replaces() -> None:
    made = build(Web, {"name": "x", "tls": {"on": True}, "limits": {"mem": 2}, "hosts": ["a"], "ratio": 1}, "web")

    assert made.tls == Tls(on=True, port=8443)
    assert made.limits == {"cpu": 1, "mem": 2}
    assert made.hosts == ["a"]
    assert type(made.ratio) is float


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({}, "web.name: must be set: it has no default"),
        ({"name": "x", "prot": 1}, r"web.prot: there is no such setting \(did you mean port\?\)"),
        ({"name": "x", "port": "80"}, "web.port: must be a whole number; got text '80'"),
        ({"name": "x", "port": True}, "web.port: must be a whole number"),
        ({"name": 5}, "web.name: must be text; got number 5"),
        ({"name": "x", "mode": "slow"}, "web.mode: must be 'fast' or 'safe'; got 'slow'"),
        ({"name": "x", "owner": 5}, "web.owner: "),
        ({"name": "x", "tls": 5}, "web.tls: must be a map"),
        ({"name": "x", "tls": {"on": "yes"}}, "web.tls.on: must be true or false"),
        ({"name": "x", "hosts": "a"}, "web.hosts: must be a list"),
        ({"name": "x", "hosts": ["a", 1]}, r"web.hosts\[1\]: must be text"),
        ({"name": "x", "limits": {"cpu": "1"}}, "web.limits.cpu: must be a whole number"),
    ],
)
def test_a_value_that_does_not_fit_is_named_by_its_path(attributes: dict[str, Any], says: str) -> None:
    with pytest.raises(BadSetting, match=says):
        build(Web, attributes, "web")


def test_a_secret_that_does_not_fit_is_not_shown() -> None:
    with pytest.raises(BadSetting) as bad:
        build(Web, {"name": "x", "port": Secret("correct-horse")}, "web")

    assert "correct-horse" not in str(bad.value)


@dataclass(frozen=True)
class MarkedTls:
    on: bool = False
    names: tuple[str, ...] = ("a",)


@dataclass(frozen=True)
class MarkedSite:
    tls: MarkedTls = MarkedTls(True)


@dataclass(frozen=True)
class Marked:
    hosts: list[str] = field(default_factory=lambda: ["a"])
    words: frozenset[str] = frozenset({"x"})
    maybe: list[int] | None = None
    weights: dict[str, int] = field(default_factory=lambda: {"a": 1, "b": 2})
    site: MarkedSite = MarkedSite(MarkedTls(True, ("a", "b")))


@pytest.mark.parametrize(
    ("given", "made"),
    [
        pytest.param({"hosts": Append(["b"])}, Marked(hosts=["a", "b"]), id="append"),
        pytest.param({"words": Append(["y"])}, Marked(words=frozenset({"x", "y"})), id="append-to-a-set"),
        pytest.param({"maybe": Append([1])}, Marked(maybe=[1]), id="append-to-nothing"),
        pytest.param({"weights": {"a": Delete, "c": 3}}, Marked(weights={"b": 2, "c": 3}), id="delete-in-a-map"),
        pytest.param({"weights": {**Delete, "c": 3}}, Marked(weights={"c": 3}), id="a-map-anew"),
        pytest.param({"hosts": Delete, "site": Delete}, Marked(), id="delete-is-the-default"),
        pytest.param(
            {"site": {"tls": {"names": Append(["c"])}}},
            Marked(site=MarkedSite(MarkedTls(True, ("a", "b", "c")))),
            id="nested",
        ),
        pytest.param(
            {"site": {**Delete, "tls": {"on": False}}}, Marked(site=MarkedSite(MarkedTls(False, ("a",)))), id="anew"
        ),
    ],
)
def test_markers_reach_the_defaults_of_the_cookbook(given: dict[str, Any], made: Marked) -> None:
    assert build(Marked, given, "web") == made


def test_what_is_appended_is_judged() -> None:
    with pytest.raises(BadSetting, match=r"web.hosts\[0\]: must be text; got number 1"):
        build(Marked, {"hosts": Append([1])}, "web")
    with pytest.raises(BadSetting, match=r"web.site.tls.on: \$append goes after a list; the default is True"):
        build(Marked, {"site": {"tls": {"on": Append([1])}}}, "web")
