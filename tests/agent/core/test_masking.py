from __future__ import annotations

from toque.core import Secret
from toque.core.diffs import unified
from toque.core.masking import mask, secrets_apart


def test_a_secret_made_later_is_hidden_from_then_on() -> None:
    assert mask("made-later-123") == "made-later-123"

    Secret("made-later-123")

    assert mask("made-later-123") == "***"


def test_a_secret_of_a_single_letter_takes_no_line_of_a_diff_with_it() -> None:
    Secret("q")

    assert "-quick\n+quiet" in unified("a", b"quick\n", b"quiet\n")


def test_secrets_of_one_test_are_not_hidden_in_the_next() -> None:
    Secret("known all along")
    with secrets_apart():
        Secret("known meanwhile")
        assert mask("known all along, known meanwhile") == "known all along, ***"

    assert mask("known all along, known meanwhile") == "***, known meanwhile"
