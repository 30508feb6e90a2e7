from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.protocol.masking import Mask, StreamMask

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
    stream, out = StreamMask([SECRET]), b""

    for size in sizes:
        out += stream.feed(data[:size])
        data = data[size:]
    out += stream.feed(data) + stream.finish()

    assert out.decode() == f"{before}***{after}***"


def test_the_longer_of_two_secrets_that_begin_alike_wins() -> None:
    stream = StreamMask(["abcdef", "abcdefghij"])

    assert stream.feed(b"abcdef") + stream.feed(b"ghij!") + stream.finish() == b"***!"


def test_without_secrets_everything_passes_at_once() -> None:
    assert StreamMask([]).feed(b"hello") == b"hello"


def test_bytes_that_are_no_text_pass_unchanged() -> None:
    stream = StreamMask([SECRET])

    assert stream.feed(b"\xff\x00\xfe") + stream.finish() == b"\xff\x00\xfe"


def test_the_lines_of_a_key_are_hidden_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nabcdefghijklmnopqrstuvwxyz\n-----END KEY-----"

    assert Mask([key])("abcdefghijklmnopqrstuvwxyz") == "***"


SECRETS = ("correct-horse-battery", "päss wörd/&=", "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n-----END KEY-----")


def masked(pieces: list[bytes]) -> bytes:
    mask = StreamMask(SECRETS)
    return b"".join(map(mask.feed, pieces)) + mask.finish()


FORMS = [
    *(secret.encode() for secret in SECRETS),
    quote(SECRETS[1], safe="").encode(),
    *(base64.b64encode(b"x" * pad + SECRETS[0].encode() + b"yz") for pad in range(3)),
    SECRETS[2].splitlines()[1].encode(),
]


@pytest.mark.parametrize("form", FORMS)
def test_S14_a_secret_is_masked_wherever_the_stream_is_cut(form: bytes) -> None:
    text = b"before " + form + b" after"
    whole = masked([text])

    assert b"***" in whole
    assert whole.startswith(b"before ")
    assert whole.endswith(b" after")
    for at in range(len(text) + 1):
        assert masked([text[:at], text[at:]]) == whole
    assert masked([bytes([each]) for each in text]) == whole


@given(st.lists(st.binary(max_size=40)))
def test_S14_what_is_no_secret_goes_through_unchanged(pieces: list[bytes]) -> None:
    assert masked(pieces) == b"".join(pieces)


def test_S14_only_what_may_begin_a_secret_is_held_back() -> None:
    mask = StreamMask(SECRETS)

    assert mask.feed(b"a line\n") == b"a line\n"
    assert mask.feed(b"corre") == b""
    assert mask.feed(b"ction\n") == b"correction\n"
