from __future__ import annotations

from functools import partial

import pytest

from tests.agent.resources.case import Case
from toque.core import BadProperty, ToqueError, converge
from toque.resources.block import Block
from toque.testing.machine import FakeHost

OURS = "# BEGIN shop\n10.0.0.5 db\n# END shop\n"


def after(want: Block, text: str) -> str:
    """What a file of this text becomes."""
    host = FakeHost(files={want.path: text})
    converge(want, host)
    return (host.read(want.path) or b"").decode()


def test_a_new_block_goes_to_the_end_or_to_the_start() -> None:
    assert after(Block("/etc/hosts", "10.0.0.5 db", marker="shop"), "a\n") == f"a\n{OURS}"
    assert after(Block("/etc/hosts", "10.0.0.5 db", marker="shop", position="start"), "a\n") == f"{OURS}a\n"


def test_a_new_block_goes_after_or_before_a_line() -> None:
    assert after(Block("/etc/hosts", "10.0.0.5 db", marker="shop", after="^a"), "a\nb\n") == f"a\n{OURS}b\n"
    assert after(Block("/etc/hosts", "10.0.0.5 db", marker="shop", before="^b"), "a\nb\n") == f"a\n{OURS}b\n"


def test_a_block_that_is_there_keeps_its_place_and_gets_its_lines() -> None:
    assert (
        after(Block("/etc/hosts", "new\n", marker="shop"), f"a\n{OURS}b\n") == "a\n# BEGIN shop\nnew\n# END shop\nb\n"
    )


def test_blocks_of_several_markers_do_not_disturb_each_other() -> None:
    assert after(Block("/etc/hosts", "x", marker="blog"), OURS) == f"{OURS}# BEGIN blog\nx\n# END blog\n"


def test_a_block_is_removed_with_its_marks() -> None:
    assert after(Block("/etc/hosts", marker="shop", present=False), f"a\n{OURS}b\n") == "a\nb\n"


def test_marks_are_comments_of_the_file() -> None:
    assert (
        after(Block("/etc/a", "x", marker="shop", comment="<!--"), "") == "<!-- BEGIN shop -->\nx\n<!-- END shop -->\n"
    )


@pytest.mark.parametrize(
    "text", ["# BEGIN shop\nx\n", f"{OURS}{OURS}", "# END shop\n# BEGIN shop\n"], ids=["open", "twice", "reversed"]
)
def test_marks_that_make_no_block_are_an_error_with_their_lines(text: str) -> None:
    with pytest.raises(ToqueError, match=r"do not make one block.*lines 1"):
        converge(Block("/etc/hosts", "y", marker="shop"), FakeHost(files={"/etc/hosts": text}))


def test_content_with_the_marks_in_it_is_refused() -> None:
    with pytest.raises(BadProperty, match="choose another marker"):
        Block("/etc/hosts", "a\n# END shop\n", marker="shop")


@pytest.mark.parametrize("marker", ["", " a", "a\nb"], ids=["empty", "space", "two-lines"])
def test_a_marker_is_a_word_or_more(marker: str) -> None:
    with pytest.raises(BadProperty, match="block marker"):
        Block("/etc/hosts", "a", marker=marker)


CASES = [
    Case(want, partial(FakeHost, files=found))
    for want in (
        Block("/etc/hosts", "10.0.0.5 db\n", marker="shop", create=True),
        Block("/etc/hosts", "a\nb", marker="shop", position="start", create=True),
        Block("/etc/hosts", marker="shop", present=False),
    )
    for found in ({}, {"/etc/hosts": OURS}, {"/etc/hosts": "a\r\nb"}, {"/etc/hosts": f"x\n{OURS}y"})
]
