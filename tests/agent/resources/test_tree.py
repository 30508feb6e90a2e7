from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, NotFound, Secret, converge
from toque.core.diffs import describe
from toque.core.rendering import TemplateFailed
from toque.core.source import Source
from toque.resources.tree import Tree
from toque.testing.machine import FakeHost, Node

USERS = {"root": 0, "www": 33}
PAGES = {"404.html", "img/a.txt", "site.conf"}


def pages(path: str = "/srv/www", **properties: Any) -> Tree:
    """The tree `files/pages` beside this file, as if a recipe here had said it."""
    made = Tree(path, **{"source": "pages", "variables": {"port": 80}, **properties})
    object.__setattr__(made, "source_line", Source(str(Path(__file__)), 1))
    return made


def files(host: FakeHost) -> set[str]:
    return {
        p.removeprefix("/srv/www/")
        for p, node in host.nodes.items()
        if p.startswith("/srv/www/") and node.kind == "file"
    }


def test_files_folders_and_filled_in_templates_are_there() -> None:
    host = FakeHost(users=USERS)

    converge(pages(mode="0640", directory_mode="0750", owner="www"), host)

    assert files(host) == PAGES
    assert host.nodes["/srv/www/site.conf"] == Node(content=b"port 80\n", mode=0o640, uid=33)
    assert host.nodes["/srv/www/img"] == Node("directory", mode=0o750, uid=33)


def test_only_what_differs_is_written() -> None:
    host = FakeHost()
    converge(pages(), host)
    host.add("/srv/www/404.html", "changed")
    host.ran.clear()

    converge(pages(), host)

    assert host.ran == ["write /srv/www/404.html"]


def test_the_diff_lists_what_differs_and_what_is_not_ours() -> None:
    host = FakeHost(files={"/srv/www/404.html": "changed", "/srv/www/old": ""})
    want = pages(purge=True)
    change = converge(want, host, dry_run=True)

    assert change is not None
    _, diff = describe(want, change)
    assert {"-404.html  (other content)", "+404.html", "-old  (not of the cookbook)", "+img/"} <= set(diff.splitlines())


def test_strangers_stay_without_purge() -> None:
    host = FakeHost(files={"/srv/www/old": "x"})

    converge(pages(), host)

    assert "old" in files(host)


def test_purging_spares_what_is_excluded_also_in_folders_of_strangers() -> None:
    host = FakeHost(files={f"/srv/www/{n}": "x" for n in ("old", "d/e/f", "cache/keep", "img/b.txt", "img/c.orig")})

    converge(pages(purge=True, exclude=["cache/keep", "*.orig"]), host)

    assert files(host) == {*PAGES, "cache/keep", "img/c.orig"}
    assert "/srv/www/d" not in host.nodes


def test_what_is_excluded_is_not_copied() -> None:
    host = FakeHost()

    converge(pages(exclude=["img"]), host)

    assert files(host) == PAGES - {"img/a.txt"}


def test_a_link_in_the_way_is_replaced_and_never_followed() -> None:
    host = FakeHost(
        files={
            "/etc/passwd": "root",
            "/srv/www/404.html": Node("link", to="/etc/passwd"),
            "/srv/www/img": Node("link", to="/etc"),
        }
    )

    converge(pages(), host)

    assert host.read("/etc/passwd") == b"root"
    assert (host.nodes["/srv/www/404.html"].kind, host.nodes["/srv/www/img"].kind) == ("file", "directory")


def test_a_link_to_a_folder_counts_as_the_folder() -> None:
    host = FakeHost(files={"/data": Node("directory"), "/srv/www": Node("link", to="/data")})

    converge(pages(), host)

    assert host.read("/data/img/a.txt") == b"x"
    assert host.nodes["/srv/www"].kind == "link"


def test_a_file_made_of_a_secret_is_private() -> None:
    host = FakeHost()

    converge(pages(variables={"port": Secret("s3cret-port")}), host)

    assert host.nodes["/srv/www/site.conf"].mode == 0o600


def test_a_folder_where_a_file_shall_be_is_an_error_that_says_so() -> None:
    with pytest.raises(BadProperty, match=r"/srv/www/404\.html is a folder"):
        converge(pages(), FakeHost(files={"/srv/www/404.html/x": ""}))


def test_an_error_in_a_template_names_its_file_and_line() -> None:
    with pytest.raises(TemplateFailed, match=r"pages/site\.conf\.j2:1: 'port' is undefined"):
        converge(pages(variables={}), FakeHost())


def test_a_folder_that_the_cookbook_does_not_have_is_named() -> None:
    with pytest.raises(NotFound, match=r"'pgaes' \(did you mean pages\?\)"):
        converge(pages(source="pgaes"), FakeHost())


@pytest.mark.parametrize("source", ["../x", "/etc", "a//b"], ids=["up", "absolute", "empty-part"])
def test_a_source_stays_in_the_cookbook(source: str) -> None:
    with pytest.raises(BadProperty, match="below files/"):
        converge(pages(source=source), FakeHost())


CASES = [
    Case(want, partial(FakeHost, files=found, users=USERS))
    for want in (
        pages(),
        pages(owner="www", mode="0640", directory_mode="0750", purge=True),
        pages(present=False),
    )
    for found in ({}, {"/srv/www/404.html": "y", "/srv/www/a/b": ""}, {"/srv/www/img": Node("link", to="/etc")})
]
