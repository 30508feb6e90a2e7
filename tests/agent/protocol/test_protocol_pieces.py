from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque.protocol.canonical import canonical, digest
from toque.protocol.durable import write_durably
from toque.protocol.enrolment import check_proof, proof_text, rotation_text
from toque.protocol.keys import (
    BadKey,
    fingerprint,
    from_text,
    load_public,
    new_sealing_key,
    new_signing_key,
    public_bytes,
    read_sealing_key,
    read_signing_key,
    to_text,
    write_private,
)
from toque.protocol.messages import RunStep
from toque.protocol.names import (
    BadName,
    check_app_name,
    check_file_name,
    check_host_name,
    check_recipe_name,
)
from toque.protocol.sealing import BadSeal, open_sealed, seal, sealing_context
from toque.protocol.signed import BadSignature
from toque.protocol.tokens import BadToken, JoinToken, parse_token

TOKEN = JoinToken("4f2a", bytes(range(32)), fingerprint(bytes(32)))
CONTEXT = sealing_context("inst-1", "i-1", "c-1")


def test_one_value_has_one_spelling() -> None:
    assert canonical({"b": 1, "a": ["é", None, True, 1.5]}) == '{"a":["é",null,true,1.5],"b":1}'.encode()
    assert canonical(RunStep("system", ("a", "b"))) == b'{"phase":"system","recipes":["a","b"]}'
    assert digest(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("wrong", [math.nan, math.inf, {"a": -math.inf}, "\ud800"])
def test_what_json_cannot_say_is_not_hashed(wrong: object) -> None:
    with pytest.raises(ValueError):
        canonical(wrong)


def test_S24_a_private_key_is_a_file_for_its_owner_only(tmp_path: Path) -> None:
    signing, sealing = new_signing_key(), new_sealing_key()

    write_private(tmp_path / "node.key", signing)
    write_private(tmp_path / "sealing.key", sealing)

    assert (tmp_path / "node.key").stat().st_mode & 0o777 == 0o600
    assert public_bytes(read_signing_key(tmp_path / "node.key")) == public_bytes(signing)
    assert public_bytes(read_sealing_key(tmp_path / "sealing.key")) == public_bytes(sealing)
    (tmp_path / "node.key").chmod(0o640)
    with pytest.raises(BadKey, match="chmod 600"):
        read_signing_key(tmp_path / "node.key")


def test_a_key_of_another_length_is_none() -> None:
    with pytest.raises(BadKey):
        load_public(bytes(31))
    with pytest.raises(BadKey):
        from_text("é")
    assert from_text(to_text(b"\x00\xff")) == b"\x00\xff"


def test_a_file_that_cannot_be_written_whole_leaves_the_former_one(tmp_path: Path) -> None:
    target = tmp_path / "value"
    write_durably(target, b"old")
    tmp_path.joinpath("other").mkdir()

    with pytest.raises(OSError):
        write_durably(tmp_path / "other", b"new")

    assert target.read_bytes() == b"old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["other", "value"]


@given(st.binary(max_size=2000))
def test_S13_what_is_sealed_opens_with_its_key(plaintext: bytes) -> None:
    private = new_sealing_key()

    box = seal(public_bytes(private), plaintext, context=CONTEXT)

    assert open_sealed(private, box, context=CONTEXT) == plaintext
    assert len(plaintext) < 8 or plaintext not in box


def test_S13_a_box_opens_for_nobody_and_nothing_else() -> None:
    private = new_sealing_key()
    box = seal(public_bytes(private), b"secret", context=CONTEXT)

    for key, sealed, context in [
        (new_sealing_key(), box, CONTEXT),
        (private, box, sealing_context("inst-1", "i-1", "c-2")),
        (private, box, sealing_context("inst-1", "i-2", "c-1")),
        (private, box[:-1], CONTEXT),
        (private, b"\x02" + box[1:], CONTEXT),
        (private, b"", CONTEXT),
    ]:
        with pytest.raises(BadSeal):
            open_sealed(key, sealed, context=context)


def test_a_token_is_its_text() -> None:
    assert parse_token(f"  {TOKEN.text}\n") == TOKEN
    assert TOKEN.key_id == "jt-4f2a"
    assert "seed" not in repr(TOKEN)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "begins with"),
        ("tqj2.a.b.c.d", "newer version"),
        (TOKEN.text[:60], "copied whole"),
        (TOKEN.text[:-1] + ("0" if TOKEN.text[-1] != "0" else "1"), "changed or cut"),
        (TOKEN.text.replace("4f2a", "4f2b"), "changed or cut"),
    ],
)
def test_S1_a_damaged_token_says_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(BadToken, match=says) as refusal:
        parse_token(text)
    assert TOKEN.text.split(".")[2] not in str(refusal.value)


def test_S1_a_proof_is_by_the_key_it_comes_with() -> None:
    key = new_signing_key()
    text = proof_text("4f2a", "join", public_bytes(key), bytes(32))

    check_proof(text, key.sign(text), key.public_key())

    with pytest.raises(BadSignature):
        check_proof(rotation_text("4f2a", public_bytes(key), bytes(32), "n"), key.sign(text), key.public_key())


def test_S22_a_recipe_has_two_names_and_the_second_may_be_left_out() -> None:
    assert check_recipe_name("haproxy") == ("haproxy", "default")
    assert check_recipe_name("python-app::deploy_all") == ("python-app", "deploy_all")
    assert (check_host_name("web-1"), check_app_name("guest_book"), check_file_name("a b.txt")) == (
        "web-1",
        "guest_book",
        "a b.txt",
    )


HOSTILE = ["", ".", "..", "../x", "a/b", "a\x00", "a\n", "-rf", "é", "a;b", "$(x)", "A" * 300]


@pytest.mark.parametrize("text", [*HOSTILE, "A", "1a", "a::", "::a", "a::b::c", "a:b"])
def test_S22_what_is_outside_the_grammar_is_no_recipe(text: str) -> None:
    with pytest.raises(BadName):
        check_recipe_name(text)


@pytest.mark.parametrize("check", [check_host_name, check_app_name, check_file_name])
@pytest.mark.parametrize("text", HOSTILE)
def test_S22_no_name_leaves_its_directory(check: object, text: str) -> None:
    assert callable(check)
    with pytest.raises(BadName):
        check(text)
