from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, converge
from toque.resources.link import Link
from toque.testing.machine import FakeHost, Node


def test_a_link_is_moved_to_its_new_target_in_one_step() -> None:
    host = FakeHost(files={"/srv/current": Node("link", to="/srv/1", mode=0o777)})

    converge(Link("/srv/current", to="/srv/2"), host)

    assert host.ran == ["link /srv/current -> /srv/2"]


def test_a_file_in_the_way_is_not_replaced_without_saying_so() -> None:
    host = FakeHost(files={"/srv/current": "precious"})

    with pytest.raises(BadProperty, match="say replace=True"):
        converge(Link("/srv/current", to="/srv/2"), host)

    converge(Link("/srv/current", to="/srv/2", replace=True), host)

    assert host.link_target("/srv/current") == "/srv/2"


def test_removing_a_link_never_removes_a_file() -> None:
    host = FakeHost(files={"/srv/current": "precious"})

    assert converge(Link("/srv/current", present=False), host) is None


def test_a_hard_link_is_the_same_file() -> None:
    host = FakeHost(files={"/srv/a": "x"})

    converge(Link("/srv/b", to="/srv/a", symbolic=False), host)

    assert host.nodes["/srv/b"] is host.nodes["/srv/a"]


def test_a_link_points_somewhere() -> None:
    with pytest.raises(BadProperty, match="needs to="):
        Link("/srv/a")


def test_owner_and_group_are_those_of_the_link_itself() -> None:
    host = FakeHost(files={"/etc/real": "x", "/etc/a": Node("link", to="/etc/real")}, users={"root": 0, "www": 33})

    converge(Link("/etc/a", to="/etc/real", owner="www", group="33"), host)

    assert (host.nodes["/etc/a"].uid, host.nodes["/etc/a"].gid, host.nodes["/etc/real"].uid) == (33, 33, 0)
    assert host.ran == ["chown 33:33 /etc/a"]


def test_a_hard_link_has_no_owner_of_its_own() -> None:
    with pytest.raises(BadProperty, match="a hard link is the file itself"):
        Link("/etc/a", to="/etc/b", symbolic=False, owner="root")


CASES = [
    Case(want, partial(FakeHost, files=found))
    for want in (Link("/srv/l", to="/srv/x"), Link("/srv/l", present=False))
    for found in ({}, {"/srv/l": Node("link", to="/srv/x")}, {"/srv/l": Node("link", to="gone")})
] + [Case(Link("/srv/l", to="/srv/x", symbolic=False), partial(FakeHost, files={"/srv/x": "1"}))]
