from __future__ import annotations

import pytest

from tests.fakes.openpgp_keys import FINGERPRINT, KEY, OTHER_FINGERPRINT, OTHER_KEY
from toque.core.openpgp import BadKey, armored, dearmored, fingerprints


def test_a_key_is_told_by_its_fingerprint_as_text_and_as_bytes() -> None:
    assert fingerprints(KEY.encode()) == (FINGERPRINT,)
    assert fingerprints(dearmored(KEY.encode())) == (FINGERPRINT,)


def test_every_key_of_a_file_counts() -> None:
    both = (KEY + OTHER_KEY).encode()

    assert fingerprints(both) == tuple(sorted([FINGERPRINT, OTHER_FINGERPRINT]))
    assert fingerprints(dearmored(both)) == fingerprints(both)


def test_bytes_become_the_text_that_gpg_makes_of_them() -> None:
    assert armored(dearmored(KEY.encode())) == KEY.encode()


def test_lines_may_end_as_on_windows_and_have_a_comment() -> None:
    commented = KEY.replace("BLOCK-----\n\n", "BLOCK-----\nComment: mine\n\n", 1).replace("\n", "\r\n")

    assert fingerprints(commented.encode()) == (FINGERPRINT,)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "holds no OpenPGP public key"),
        (b"<html>not found</html>", "no OpenPGP key"),
        (dearmored(KEY.encode())[:40], "cut off"),
        (KEY.encode()[:120], "does not end"),
        (KEY.replace("mDMEa", "mDM!a").encode(), "damaged"),
        (b"\xc6\xfe" + bytes(20), "in pieces"),
        (b"\x9b" + bytes(20), "without a length"),
        (b"\x98\x02\x03\x00", "too old"),
    ],
    ids=["empty", "page", "cut", "endless", "damaged", "pieces", "indeterminate", "v3"],
)
def test_what_is_no_key_says_why(data: bytes, says: str) -> None:
    with pytest.raises(BadKey, match=says):
        fingerprints(data)
