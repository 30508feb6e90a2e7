from __future__ import annotations

from pathlib import Path

import pytest

from toque.cli.preconfig import BadPreconfig, Preconfig, read, written

LEAST = {"stack_id": "s-1", "server_url": "https://toque.example", "root_fingerprint": "ab"}


def test_what_is_written_is_read_again_and_what_others_need_is_left_alone(tmp_path: Path) -> None:
    given = LEAST | {"import": True, "ca_pem": "-----BEGIN\nMIIB\n", "access_key_id": "AKTQ", "charlie_public_key": "x"}
    (tmp_path / "preconfig").write_text(written(given) + "\n")

    found = read(tmp_path / "preconfig")

    assert found == Preconfig(**LEAST, is_cloud=True, ca_pem="-----BEGIN\nMIIB\n", access_key_id="AKTQ")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("stack_id: x", "line 1: it is not of the form", id="no colon"),
        pytest.param(":stack_id: x", "line 1: Expecting value", id="no JSON"),
        pytest.param(':stack_id: "s"', "missing required field `server_url`", id="of another server"),
        pytest.param(written(LEAST | {"import": "yes"}), "Expected `bool`", id="wrong type"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_line_or_the_name(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "preconfig").write_text(text)

    with pytest.raises(BadPreconfig, match=why):
        read(tmp_path / "preconfig")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadPreconfig, match=f"{tmp_path}/preconfig cannot be read"):
        read(tmp_path / "preconfig")
