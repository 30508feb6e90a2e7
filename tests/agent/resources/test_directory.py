from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, converge
from toque.resources.directory import Directory
from toque.testing.machine import FakeHost, Node

USERS = {"root": 0, "www": 33}


def test_a_missing_folder_is_made_with_its_mode() -> None:
    host = FakeHost()

    converge(Directory("/srv/www", mode="0750"), host)

    assert host.nodes["/srv/www"] == Node("directory", mode=0o750)


def test_folders_above_it_are_made_only_when_asked_for() -> None:
    with pytest.raises(FileNotFoundError):
        converge(Directory("/srv/a/b"), FakeHost())

    host = FakeHost()
    converge(Directory("/srv/a/b", parents=True), host)

    assert host.nodes["/srv/a"].kind == "directory"


def test_purging_leaves_what_is_to_be_kept() -> None:
    host = FakeHost(files={"/etc/d/a.conf": "", "/etc/d/old": "", "/etc/d/sub/x": ""})

    converge(Directory("/etc/d", purge=True, keep=["*.conf"]), host)

    assert host.names_in("/etc/d") == ["a.conf"]


def test_an_owner_holds_for_everything_below_when_recursive() -> None:
    host = FakeHost(files={"/srv/d/a": "", "/srv/d/sub/b": ""}, users=USERS)

    converge(Directory("/srv/d", owner="www", recursive=True), host)

    assert {node.uid for path, node in host.nodes.items() if path.startswith("/srv/d")} == {33}


def test_the_owner_below_is_left_alone_when_only_the_group_is_named() -> None:
    host = FakeHost(files={"/srv/d/a": Node(uid=33, gid=7)}, users=USERS, groups={"root": 0, "www": 33})

    converge(Directory("/srv/d", group="www", recursive=True), host)

    assert (host.nodes["/srv/d/a"].uid, host.nodes["/srv/d/a"].gid) == (33, 33)


def test_a_folder_with_something_in_it_is_not_removed_without_saying_so() -> None:
    host = FakeHost(files={"/srv/d/a": ""})

    with pytest.raises(OSError, match="not empty"):
        converge(Directory("/srv/d", present=False), host)

    converge(Directory("/srv/d", present=False, recursive=True), host)

    assert "/srv/d/a" not in host.nodes


@pytest.mark.parametrize("path", ["/", "//", "/."])
@pytest.mark.parametrize(
    "properties",
    [{"present": False, "recursive": True}, {"purge": True}, {"recursive": True, "owner": "www"}],
    ids=["removed", "purged", "owned"],
)
def test_the_whole_machine_is_never_what_is_meant(path: str, properties: dict[str, Any]) -> None:
    with pytest.raises(BadProperty, match="must be a folder below /"):
        Directory(path, **properties)


def test_a_link_to_a_folder_counts_as_the_folder() -> None:
    host = FakeHost(files={"/run/x": "", "/var/run": Node("link", to="/run")})

    assert converge(Directory("/var/run"), host) is None


def test_modes_hold_for_files_and_folders_below_when_recursive() -> None:
    host = FakeHost(
        files={"/srv/d/a": Node(mode=0o666), "/srv/d/sub/b": "", "/srv/d/l": Node("link", to="/etc", mode=0o777)}
    )

    converge(Directory("/srv/d", mode="0750", file_mode="0640", recursive=True), host)

    assert {p: n.mode for p, n in host.nodes.items() if p.startswith("/srv/d")} == {
        "/srv/d": 0o750,
        "/srv/d/a": 0o640,
        "/srv/d/sub": 0o750,
        "/srv/d/sub/b": 0o640,
        "/srv/d/l": 0o777,
    }


def test_a_mode_for_files_needs_to_be_recursive() -> None:
    with pytest.raises(BadProperty, match="it needs recursive=True"):
        Directory("/srv/d", file_mode="0640")


CASES = [
    Case(want, partial(FakeHost, files=found, users=USERS))
    for want in (
        Directory("/srv/d", mode="0700"),
        Directory("/srv/d", owner="www", recursive=True),
        Directory("/srv/d", purge=True),
        Directory("/srv/d", mode="0750", file_mode="0640", owner="www", recursive=True),
        Directory("/srv/d", present=False, recursive=True),
    )
    for found in ({}, {"/srv/d/a": "x", "/srv/d/b/c": "y"})
]
