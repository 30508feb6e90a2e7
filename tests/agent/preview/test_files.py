from __future__ import annotations

import os
from pathlib import Path

import pytest

from toque.preview.files import FileChange, Trees


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    """A host, what lies over it, and both together as a kernel would show them; the tests write into all three."""
    for name in ("host/etc", "upper/etc", "clone/etc"):
        (tmp_path / name).mkdir(parents=True)
    return Trees(
        clone=tmp_path / "clone",
        layers={Path("/"): tmp_path / "upper"},
        own=("/opt/toque", "/run/toque"),
        host=tmp_path / "host",
        users={os.getuid(): "me"},
        groups={os.getgid(): "us"},
    )


def put(trees: Trees, path: str, *, before: str | None, after: str | None, mode: int = 0o644) -> None:
    for root, content in ((trees.host, before), (trees.layers[Path("/")], after), (trees.clone, after)):
        if content is not None:
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
            place.chmod(mode)


def test_a_file_that_was_made_changed_or_only_written_again(trees: Trees) -> None:
    put(trees, "etc/new", before=None, after="x\n", mode=0o640)
    put(trees, "etc/other", before="a\n", after="b\n")
    put(trees, "etc/same", before="a\n", after="a\n")

    made, other = trees.changes({})

    assert made == FileChange("/etc/new", "created", "file", ("0640 me:us",))
    assert other == FileChange("/etc/other", "changed", "file")
    assert trees.diff(other).splitlines()[-2:] == ["-a", "+b"]


def test_a_mode_is_told_and_what_not_everybody_may_read_is_not(trees: Trees) -> None:
    put(trees, "etc/key", before="a\n", after="a\n")
    (trees.clone / "etc/key").chmod(0o600)

    [change] = trees.changes({})

    assert change.details == ("mode 0644 → 0600",)
    assert trees.diff(change) == "(its content is not shown: not everybody may read it)"


def test_passwords_are_never_shown(trees: Trees) -> None:
    put(trees, "etc/shadow", before="root:*:1::::::\n", after="root:$y$x:1::::::\n")

    [change] = trees.changes({})

    assert "$y$" not in trees.diff(change)


def test_what_was_laid_out_at_the_start_is_no_change_until_it_is_written_again(trees: Trees) -> None:
    put(trees, "etc/hosts", before="a\n", after="b\n")
    laid = trees.laid_out()
    assert list(trees.changes(laid)) == []

    put(trees, "etc/hosts", before="a\n", after="longer\n")

    assert [change.path for change in trees.changes(laid)] == ["/etc/hosts"]


def test_what_is_gone_is_removed(trees: Trees) -> None:
    put(trees, "etc/gone", before="a\n", after=None)
    (trees.layers[Path("/")] / "etc/gone").write_text("")  # where the kernel has its sign for "not there"

    [change] = trees.changes({})

    assert (change.path, change.what, trees.diff(change).splitlines()[-1]) == ("/etc/gone", "removed", "-a")


def test_a_link_is_told_by_where_it_leads(trees: Trees) -> None:
    (trees.host / "etc/link").symlink_to("/a")
    for root in (trees.layers[Path("/")], trees.clone):
        (root / "etc/link").symlink_to("/b")

    [change] = trees.changes({})

    assert (change.kind, change.details) == ("link", ("/a → /b",))


def test_our_own_places_and_the_folders_on_the_way_to_them_are_no_changes(trees: Trees) -> None:
    put(trees, "opt/toque/bin", before=None, after="x")
    put(trees, "opt/shop", before=None, after="x")

    assert [change.path for change in trees.changes({})] == ["/opt/shop"]


def test_a_place_with_a_layer_of_its_own_is_looked_at_in_that_one(trees: Trees, tmp_path: Path) -> None:
    put(trees, "tmp/laid", before=None, after="x")
    memory = tmp_path / "memory"
    memory.mkdir()
    trees.layers = {**trees.layers, Path("/tmp"): memory}

    assert [change.path for change in trees.changes({})] == []


def test_owners_are_not_compared_where_they_cannot_be(trees: Trees) -> None:
    put(trees, "etc/new", before=None, after="x")
    trees.owners = False

    [change] = trees.changes({})

    assert change.details == ("0644",)
