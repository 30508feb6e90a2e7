from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest

from toque_server.security.keys import ServerKeys, make_keys
from toque_server.security.pages import BadPage, read_page, sign_page

NOW = datetime(2030, 1, 1, tzinfo=UTC)
WHERE = "arn:aws:ecs:eu:123456789012:cluster/näme one"


@pytest.fixture
def token(server_keys: ServerKeys) -> str:
    return sign_page(server_keys, "question", WHERE, NOW)


def test_09_section_9_a_page_token_is_good_for_an_hour(server_keys: ServerKeys, token: str) -> None:
    assert read_page(server_keys, "question", token, NOW + timedelta(minutes=59)) == WHERE
    with pytest.raises(BadPage, match="more than an hour old"):
        read_page(server_keys, "question", token, NOW + timedelta(minutes=61))


def test_09_section_9_a_page_token_is_good_for_its_own_question(server_keys: ServerKeys, token: str) -> None:
    with pytest.raises(BadPage, match="begin again"):
        read_page(server_keys, "another question", token, NOW)


def test_09_section_9_no_other_installation_can_write_a_page_token(server_keys: ServerKeys) -> None:
    theirs = sign_page(make_keys().running, "question", WHERE, NOW)

    with pytest.raises(BadPage):
        read_page(server_keys, "question", theirs, NOW)


@pytest.mark.parametrize("at", range(0, 100, 9))
def test_09_section_9_a_page_token_that_was_changed_anywhere_is_refused(
    server_keys: ServerKeys, token: str, at: int
) -> None:
    other = "A" if token[at] != "A" else "B"

    with pytest.raises(BadPage, match="begin again"):
        read_page(server_keys, "question", token[:at] + other + token[at + 1 :], NOW)


@pytest.mark.parametrize(
    "bad",
    ["", "x", "?", "=", "ü" * 40, " ", "A" * 43, "A" * 5000, urlsafe_b64encode(b"\xff" * 60).decode()],
    ids=["empty", "one", "sign", "padding", "not ascii", "blank", "short", "long", "not text"],
)
def test_09_24_what_is_no_token_at_all_is_refused(server_keys: ServerKeys, bad: str) -> None:
    with pytest.raises(BadPage, match="NextToken is not one that this server gave"):
        read_page(server_keys, "question", bad, NOW)


def test_09_24_more_after_a_token_is_refused(server_keys: ServerKeys, token: str) -> None:
    for more in ("=", "\n", "A", "%"):
        with pytest.raises(BadPage):
            read_page(server_keys, "question", token + more, NOW)
