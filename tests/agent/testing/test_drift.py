"""What is broken on purpose: only what a run manages, by chance that can be repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.testing import FakeNode
from toque.testing.kitchen.drift import Drift, candidates, order, perform


def resource(word: str, name: str, *, status: str = "changed", absent: bool = False, **managed: Any) -> dict[str, Any]:
    return {"word": word, "name": name, "status": status, "absent": absent, "managed": managed, "source": "r.py:1"}


@pytest.mark.parametrize(
    ("each", "hows"),
    [
        (resource("file", "/etc/a", content="", mode=""), ["delete", "edit", "mode"]),
        (resource("file", "/etc/a", content=""), ["delete", "edit"]),
        (resource("directory", "/srv/a", mode=""), ["mode"]),
        (resource("directory", "/srv/a"), []),
        (resource("link", "/srv/a", to=""), ["delete"]),
        (resource("service", "web", running=True, enabled=True), ["stop", "disable"]),
        (resource("service", "web", running=False), []),
        (resource("user", "alice"), ["userdel"]),
        (resource("package", "git unzip"), ["remove", "remove"]),
        (resource("execute", "make", done=True), []),
        (resource("file", "/etc/a", absent=True), []),
        (resource("file", "/etc/a", status="skipped", content=""), []),
    ],
    ids=lambda value: value["word"] + "-" + "-".join(value["managed"]) if isinstance(value, Mapping) else None,
)
def test_what_can_be_broken_is_what_the_run_manages(each: dict[str, Any], hows: list[str]) -> None:
    assert [drift.how for drift in candidates([each])] == hows


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(["delete", "edit", "mode"]))), st.integers())
def test_every_resource_is_tried_once_and_the_seed_decides_the_order(found: list[tuple[str, str]], seed: int) -> None:
    drifts = [Drift("file", name, how) for name, how in found]

    tried = order(drifts, seed)

    assert sorted(each.name for each in tried) == sorted({name for name, _ in found})
    assert tried == order(drifts, seed)


@pytest.mark.parametrize("how", ["delete", "edit", "mode", "stop", "disable", "userdel", "remove"])
def test_what_is_broken_is_repaired_by_the_next_run(how: str) -> None:
    from toque import file, package, service, user

    def say() -> None:
        package("haproxy")
        user("alice", uid=4200)
        file("/etc/motd", content="hello\n", mode="0644")
        service("haproxy", running=True, enabled=True)

    node = FakeNode()
    node.converge(say)
    names = {"stop": ("service", "haproxy"), "disable": ("service", "haproxy"), "userdel": ("user", "alice")}
    word, name = {**names, "remove": ("package", "haproxy")}.get(how, ("file", "/etc/motd"))

    perform(Drift(word, name, how, target=name), node.host)

    assert f"{word}[{name}]" in node.converge(say).changes
    assert not node.converge(say).changed
