from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque import fact, node
from toque.core import BadProperty, Run, Secret, ToqueError, converge
from toque.core.errors import BadData, NotFound
from toque.core.node import Network
from toque.core.world import World
from toque.protocol import custom_facts
from toque.resources.fact import Fact
from toque.testing.machine import FakeHost

RACK = "/etc/toque/facts.d/rack.json"


def machine(**files: str) -> FakeHost:
    return FakeHost(files={f"/etc/toque/facts.d/{name}.json": text for name, text in files.items()})


def test_a_fact_is_kept_as_json_that_others_may_read() -> None:
    host = FakeHost()

    converge(Fact("rack", {"row": 2, "name": "r12"}), host)

    assert host.read(RACK) == b'{"name":"r12","row":2}\n'
    entry = host.entry(RACK)
    assert entry is not None
    assert entry.mode == 0o644


def test_a_fact_is_removed_and_others_stay() -> None:
    host = machine(rack='"r12"\n', site='"a"\n')

    converge(Fact("rack", present=False), host)

    assert (host.read(RACK), host.names_in("/etc/toque/facts.d")) == (None, ["site.json"])


def in_a_run(host: FakeHost, *, dry_run: bool = False, **world: Any) -> Run:
    run = Run(host, dry_run=dry_run)
    run.world = World(**world)
    return run


@pytest.mark.parametrize("dry_run", [False, True], ids=["run", "plan"])
def test_later_lines_read_it_in_a_plan_too(dry_run: bool) -> None:
    host = machine(site='"a"\n')

    with in_a_run(host, dry_run=dry_run):
        fact("rack", ["r12", 2])
        fact("site", present=False)
        assert (node.fact("rack"), node.fact("site"), node.fact("site", "b")) == (("r12", 2), None, "b")

    assert (host.read(RACK) is None) == dry_run


def test_a_file_that_is_no_json_is_named() -> None:
    with in_a_run(machine(rack="r12")), pytest.raises(BadData, match="fact rack in /etc/toque/facts.d/rack.json is no"):
        node.fact("rack")
    with in_a_run(machine()), pytest.raises(NotFound, match=r"no fact '\.\./rack'"):
        node.fact("../rack")


def test_a_collected_fact_is_looked_at_anew_where_a_recipe_says_so() -> None:
    addresses = iter(["10.0.0.1", "10.0.0.2"])

    def collect(name: str) -> Network:
        assert name == "network"
        return Network("a", "a", next(addresses), "", ())

    with in_a_run(FakeHost(), collect=collect):
        before = (node.network.ip, node.network.ip)
        node.reload("network")
        assert (before, node.network.ip) == (("10.0.0.1", "10.0.0.1"), "10.0.0.2")
        with pytest.raises(NotFound, match="no collected fact 'netwrk' .did you mean network"):
            node.reload("netwrk")


@pytest.mark.parametrize("name", ["", "Rack", "../etc", "a/b", "-x", "rack\n", "1", "x" * 64])
def test_S22_what_leads_out_of_the_folder_is_refused(name: str) -> None:
    with pytest.raises(BadProperty, match="fact name must begin with a lower-case letter"):
        Fact(name, "x")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "needs value"),
        (Secret("correct horse"), "must hold no Secret"),
        ({"a": [Secret("correct horse")]}, "must hold no Secret"),
        (object(), "what JSON can say"),
        (float("nan"), "what JSON can say"),
        ("x" * 5000, "at most 4096 bytes as JSON, and has 5002"),
    ],
    ids=["none", "secret", "inner secret", "object", "nan", "long"],
)
def test_what_cannot_be_a_fact_is_refused_by_name(value: Any, said: str) -> None:
    with pytest.raises(BadProperty, match=f"fact rack.*{said}"):
        Fact("rack", value)


def test_a_node_has_at_most_64() -> None:
    host = machine(**{f"f{n}": "1\n" for n in range(64)})

    with pytest.raises(ToqueError, match="has 64 facts already: remove one of /etc/toque/facts.d"):
        converge(Fact("rack", "r12"), host)
    converge(Fact("f1", 2), host)


def test_S20_what_travels_keeps_to_the_bounds(tmp_path: Any) -> None:
    good = {"rack": '"r12"', "disks": '{"a":1}'}
    for name, text in good.items():
        (tmp_path / f"{name}.json").write_text(f"{text}\n")
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "deep.json").write_text("[" * 3000)
    (tmp_path / "long.json").write_text(json.dumps("x" * 5000))
    (tmp_path / "notes.txt").write_text("1")
    (tmp_path / "folder.json").mkdir()

    assert custom_facts.read_all(tmp_path) == good
    assert custom_facts.read_all(tmp_path / "none") == {}
    assert custom_facts.bounded({**good, "../x": "1", "y": "{", "z": '"' + "z" * 5000 + '"'}) == good
    assert len(custom_facts.bounded({f"f{n}": "1" for n in range(100)})) == 64
    assert custom_facts.values({**good, "w": json.dumps("x" * 300)}, custom_facts.SEARCHED).keys() == good.keys()


CASES = [
    Case(Fact("rack", "r12"), FakeHost),
    Case(Fact("rack", {"row": 2, "names": ["a", "b"]}), partial(machine, rack='"r12"\n', site='"a"\n')),
    Case(Fact("rack", "r12"), partial(machine, rack="broken")),
    Case(Fact("rack", present=False), partial(machine, rack='"r12"\n')),
    Case(Fact("rack", present=False), FakeHost),
]
