from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from toque_server.security.keys import ServerKeys
from toque_server.security.urls import is_good_log_url, sign_log_url

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def parts(url: str) -> tuple[str, str, str]:
    query = parse_qs(urlsplit(url).query)
    return urlsplit(url).path.removeprefix("/logs/"), query["expires"][0], query["signature"][0]


def test_04_31_a_log_url_is_good_for_an_hour(server_keys: ServerKeys) -> None:
    url = sign_log_url(server_keys, "https://toque.example.org/", "c-1", NOW)

    assert url.startswith("https://toque.example.org/logs/c-1?")
    assert is_good_log_url(server_keys, *parts(url), NOW + timedelta(minutes=59))
    assert not is_good_log_url(server_keys, *parts(url), NOW + timedelta(minutes=61))


@pytest.mark.parametrize(
    "change", [("c-2", None, None), (None, "9999999999", None), (None, None, "AAAA"), (None, "x", None)]
)
def test_a_changed_log_url_is_not(server_keys: ServerKeys, change: tuple[str | None, ...]) -> None:
    good = parts(sign_log_url(server_keys, "https://toque.example.org", "c-1", NOW))
    command_id, expires, signature = (new or old for new, old in zip(change, good, strict=True))

    assert not is_good_log_url(server_keys, command_id, expires, signature, NOW)
