from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toque_server.console.ansi import Run, runs


def test_colours_become_classes_until_they_are_reset() -> None:
    assert runs("a\x1b[31mb\x1b[1mc\x1b[0md\n") == [
        Run("", "a"),
        Run("ansi-red", "b"),
        Run("ansi-bold ansi-red", "c"),
        Run("", "d\n"),
    ]


def test_S15_every_other_control_sequence_goes() -> None:
    for hostile in (
        "\x1b]0;title\x07",
        "\x1b]8;;http://evil\x1b\\",
        "\x1b[2J",
        "\x1b[6n",
        "\x1bc",
        "\x9b2J",
        "\x00\x08",
        "\u202e",
    ):
        assert runs(f"a{hostile}b") == [Run("", "ab")]


def test_a_line_that_was_overwritten_shows_its_last_state() -> None:
    assert runs("10%\r50%\r100%\ndone\r\n") == [Run("", "100%\ndone\n")]


def test_lines_that_tell_of_a_failure_are_marked() -> None:
    marked = [
        run.text.strip()
        for run in runs("fine\nexecute[make tea] failed\nE: no such package\nerrors: 0\n")
        if run.classes
    ]

    assert marked == ["execute[make tea] failed\nE: no such package"]


@given(st.text(alphabet=st.sampled_from("ab\x1b[]31;m\r\n\x07\x9b<>&é"), max_size=60))
def test_S15_nothing_but_text_and_known_classes_comes_out(text: str) -> None:
    for classes, shown in runs(text):
        assert all(name == "failure" or name.startswith("ansi-") for name in classes.split())
        assert not set(shown) & set("\x1b\x07\x9b\r")
