from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.core import Secret
from toque.core.masking import Mask, StreamMask, mask

SECRET = "pa/ss wörd+123"


@pytest.mark.parametrize(
    "shown",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        json.dumps('x"y\\z' + SECRET, ensure_ascii=False)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"user:" + SECRET.encode() + b":more").decode(),
        base64.urlsafe_b64encode(b"ab" + SECRET.encode()).decode(),
    ],
)
def test_S14_a_secret_is_hidden_in_every_form(shown: str) -> None:
    hidden = Mask([SECRET])(f"<{shown}>")

    assert "***" in hidden
    assert SECRET not in hidden
    assert base64.b64encode(SECRET.encode()).decode()[4:-6] not in hidden


@given(st.lists(st.integers(1, 9), max_size=30), st.text("xyz\n", max_size=20), st.text("xyz\n", max_size=20))
def test_S14_a_secret_split_over_any_chunks_is_hidden(sizes: list[int], before: str, after: str) -> None:
    data = f"{before}{SECRET}{after}{SECRET}".encode()
    stream, out = StreamMask(Mask([SECRET])), b""

    for size in sizes:
        out += stream.feed(data[:size])
        data = data[size:]
    out += stream.feed(data) + stream.finish()

    assert out.decode() == f"{before}***{after}***"


def test_the_longer_of_two_secrets_that_begin_alike_wins() -> None:
    stream = StreamMask(Mask(["abcdef", "abcdefghij"]))

    assert stream.feed(b"abcdef") + stream.feed(b"ghij!") + stream.finish() == b"***!"


def test_without_secrets_everything_passes_at_once() -> None:
    assert StreamMask(Mask([])).feed(b"hello") == b"hello"


def test_bytes_that_are_no_text_pass_unchanged() -> None:
    stream = StreamMask(Mask([SECRET]))

    assert stream.feed(b"\xff\x00\xfe") + stream.finish() == b"\xff\x00\xfe"


def test_a_secret_made_later_is_hidden_from_then_on() -> None:
    assert mask("made-later-123") == "made-later-123"

    Secret("made-later-123")

    assert mask("made-later-123") == "***"


def test_the_lines_of_a_key_are_hidden_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nabcdefghijklmnopqrstuvwxyz\n-----END KEY-----"

    assert Mask([key])("abcdefghijklmnopqrstuvwxyz") == "***"
