from __future__ import annotations

from pathlib import Path

import pytest

from toque.sandbox.subids import first_of


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("me:100000:65536\n", 100000),
        ("other:100000:65536\nme:300000:65536\n", 300000),
        ("1000:100000:65536\n", 100000),
        ("me:100000:1000\nme:200000:70000\n", 200000),
        ("me:100000:1000\n", None),
        ("someone:100000:65536\n", None),
        ("", None),
        ("# comment\nme:1\n", None),
    ],
)
def test_the_first_range_that_is_large_enough_counts(tmp_path: Path, text: str, first: int | None) -> None:
    (tmp_path / "subuid").write_text(text)

    assert first_of(tmp_path / "subuid", "me", 1000) == first


def test_without_the_file_nobody_has_a_range(tmp_path: Path) -> None:
    assert first_of(tmp_path / "subuid", "me", 1000) is None
