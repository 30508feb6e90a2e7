from __future__ import annotations

import time
from functools import partial
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, converge
from toque.core.diffs import describe
from toque.resources.cleanup import Cleanup
from toque.testing.machine import FakeHost, Node

DAY = 86_400


def aged(days: float, size: int = 1, **more: Any) -> Node:
    return Node(content=b"x" * size, modified=time.time() - days * DAY, **more)


def logs() -> FakeHost:
    return FakeHost(
        files={
            "/var/log/shop/a.log": aged(0),
            "/var/log/shop/a.log.1": aged(10, 10),
            "/var/log/shop/a.log.2": aged(40, 1000),
            "/var/log/shop/a.lock": aged(400),
            "/var/log/shop/old/a.log.3": aged(50, 10),
        }
    )


def left(want: Cleanup) -> list[str]:
    """The files that stay."""
    host = logs()
    converge(want, host)
    return [p.removeprefix("/var/log/shop/") for p, node in sorted(host.nodes.items()) if node.kind == "file"]


def test_only_what_is_old_and_named_is_removed() -> None:
    made = left(Cleanup("/var/log/shop", patterns=["*.log.*"], older_than_days=30))

    assert made == ["a.lock", "a.log", "a.log.1", "old/a.log.3"]


def test_folders_below_are_tidied_only_when_asked_for() -> None:
    made = left(Cleanup("/var/log/shop", patterns=["*.log.*"], older_than_days=30, recurse=True))

    assert made == ["a.lock", "a.log", "a.log.1"]


def test_the_newest_stay_whatever_their_age() -> None:
    assert left(Cleanup("/var/log/shop", patterns=["*.log*"], keep_newest=2)) == [
        "a.lock",
        "a.log",
        "a.log.1",
        "old/a.log.3",
    ]


def test_all_limits_have_to_agree() -> None:
    made = left(Cleanup("/var/log/shop", keep=["*.lock"], older_than_days=5, larger_than_bytes=100))

    assert made == ["a.lock", "a.log", "a.log.1", "old/a.log.3"]


def test_the_diff_lists_what_goes() -> None:
    want = Cleanup("/var/log/shop", patterns=["*.log.*"], older_than_days=30)
    change = converge(want, logs(), dry_run=True)

    assert change is not None
    _, diff = describe(want, change)
    assert "\n-/var/log/shop/a.log.2  (1,000 bytes, changed " in diff
    assert "a.log.1" not in diff


def test_whole_folders_are_removed_when_they_are_meant() -> None:
    files = {f"/srv/releases/{n}/app": aged(0) for n in "123"}
    folders = {f"/srv/releases/{n}": aged(10 - int(n), kind="directory") for n in "123"}
    host = FakeHost(files={**folders, **files})

    converge(Cleanup("/srv/releases", folders=True, keep_newest=1), host)

    assert host.names_in("/srv/releases") == ["3"]


def test_in_a_folder_of_somebody_else_it_is_he_who_removes() -> None:
    host = FakeHost(
        files={"/srv/up": Node("directory", uid=700), "/srv/up/-rf": aged(9), "/srv/up/b": aged(9)},
        users={"root": 0, "shop": 700},
    )

    converge(Cleanup("/srv/up", older_than_days=1), host)

    assert host.ran == ["rm --force -- /srv/up/-rf /srv/up/b"]


def test_a_folder_of_another_owner_is_not_entered_and_a_link_is_removed_itself() -> None:
    host = FakeHost(
        files={
            "/srv/up/theirs": Node("directory", uid=700),
            "/srv/up/theirs/a": aged(9),
            "/srv/up/link": Node("link", to="/etc", modified=0),
        }
    )

    converge(Cleanup("/srv/up", older_than_days=1, recurse=True), host)

    assert host.ran == ["remove /srv/up/link"]


def test_a_folder_that_is_not_there_needs_no_tidying() -> None:
    assert converge(Cleanup("/srv/none", older_than_days=1), FakeHost()) is None


@pytest.mark.parametrize(
    ("path", "properties", "said"),
    [
        ("/srv/a", {}, "everything would be removed"),
        ("/etc/", {"older_than_days": 1.0}, "a folder of the system itself"),
        ("/srv/../etc", {"older_than_days": 1.0}, "a folder of the system itself"),
        ("//etc", {"older_than_days": 1.0}, "a folder of the system itself"),
        ("/./etc", {"older_than_days": 1.0}, "a folder of the system itself"),
        ("/srv//a", {"older_than_days": 1.0}, "a folder of the system itself"),
        ("/srv/a", {"older_than_days": -1.0}, "older_than_days must be 0 or more"),
        ("/srv/a", {"keep_newest": 1, "patterns": ["a/*"]}, "without a slash"),
        ("/srv/a", {"keep_newest": 1, "folders": True, "recurse": True}, "neither with recurse"),
    ],
    ids=["no-limit", "system", "dots", "two-slashes", "one-dot", "nothing-between", "negative", "slash", "folders"],
)
def test_what_would_remove_too_much_is_refused(path: str, properties: dict[str, Any], said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Cleanup(path, **properties)


CASES = [
    Case(want, made)
    for want in (
        Cleanup("/var/log/shop", patterns=["*.log.*"], older_than_days=30),
        Cleanup("/var/log/shop", keep_newest=1, recurse=True),
        Cleanup("/var/log/shop", larger_than_bytes=0),
    )
    for made in (logs, FakeHost, partial(FakeHost, files={"/var/log/shop/x": ""}))
]


def example_machine() -> FakeHost:
    return logs()
