from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, converge
from toque.resources.replace import Replace
from toque.testing.machine import FakeHost

CONF = "[web]\nlisten 80\n[admin]\nlisten 81\nlisten 82\n[old]\nlisten 83\n"


def after(want: Replace, text: str = CONF) -> str:
    """What a file of this text becomes."""
    host = FakeHost(files={want.path: text})
    converge(want, host)
    return (host.read(want.path) or b"").decode()


def test_every_place_is_replaced_with_its_groups() -> None:
    assert (
        after(Replace("/etc/a", r"^listen (\d+)$", r"listen *:\1"), "listen 80\nlisten 81\n")
        == "listen *:80\nlisten *:81\n"
    )


def test_only_the_range_between_two_places_is_touched() -> None:
    made = after(Replace("/etc/a", r"^listen ", "bind ", after=r"^\[admin\]", before=r"^\[old\]"))

    assert made == "[web]\nlisten 80\n[admin]\nbind 81\nbind 82\n[old]\nlisten 83\n"


def test_nothing_is_replaced_where_the_range_does_not_begin() -> None:
    assert after(Replace("/etc/a", "listen", "bind", after=r"^\[none\]")) == CONF


def test_only_so_many_are_replaced_from_the_top() -> None:
    assert after(Replace("/etc/a", r"^listen 8[0-2]$", "listen 1", count=3)).count("listen 1") == 3
    assert after(Replace("/etc/a", r"(?s)\A(.*?)listen 80", r"\1bind 80", count=1)).startswith("[web]\nbind 80\n")


def test_what_never_comes_to_rest_is_refused_and_nothing_is_written() -> None:
    host = FakeHost(files={"/etc/a": "a\n"})

    with pytest.raises(BadProperty, match="would change /etc/a again in each run"):
        converge(Replace("/etc/a", "a", "aa"), host)

    assert host.ran == []


def test_a_count_that_leaves_more_for_the_next_run_is_refused() -> None:
    with pytest.raises(BadProperty, match="again in each run"):
        converge(Replace("/etc/a", "listen", "bind", count=1), FakeHost(files={"/etc/a": CONF}))


def test_in_a_file_that_is_not_there_nothing_is_to_be_replaced() -> None:
    assert converge(Replace("/etc/a", "a", "b"), FakeHost()) is None


@pytest.mark.parametrize(
    ("regex", "replacement", "said"),
    [("(", "", "regex is no regular expression"), ("", "a", "must not be empty"), ("(a)", r"\2", "does not fit regex")],
    ids=["bad", "empty", "no-such-group"],
)
def test_what_cannot_be_meant_is_refused(regex: str, replacement: str, said: str) -> None:
    with pytest.raises(BadProperty, match=said):
        Replace("/etc/a", regex, replacement)


CASES = [
    Case(want, partial(FakeHost, files=found))
    for want in (
        Replace("/etc/a", "^listen ", "bind "),
        Replace("/etc/a", r"^listen (\d+)\n", "", after="web", before="admin"),
    )
    for found in ({}, {"/etc/a": CONF}, {"/etc/a": b"\xff\xfe"})
]
