from __future__ import annotations

import pytest

from toque_server.security.passwords import (
    WeakPassword,
    check_strength,
    hash_password,
    new_password,
    verify_password,
)


def test_the_right_password_is_known_and_any_other_is_not() -> None:
    stored = hash_password("correct horse battery")

    assert stored.startswith("$argon2id$")
    assert verify_password("correct horse battery", stored)
    assert not verify_password("correct horse batterz", stored)


def test_nobody_has_no_password() -> None:
    assert not verify_password("", None)
    assert not verify_password("anything", None)


def test_two_hashes_of_one_password_differ() -> None:
    assert hash_password("same password") != hash_password("same password")


@pytest.mark.parametrize("weak", ["", "short", "aaaaaaaaaaaaaaaa"])
def test_a_weak_password_is_refused_and_says_why(weak: str) -> None:
    with pytest.raises(WeakPassword, match="at least"):
        check_strength(weak)


def test_a_made_password_is_strong_and_new_each_time() -> None:
    check_strength(new_password())
    assert new_password() != new_password()
