from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque_server.domain.invalid import Invalid
from toque_server.domain.tags import LIMIT, check_number, cleaned, effective, without


@pytest.mark.parametrize("key", ["a" * 127, "Stufe", "größe", "数", "a b", "team/shop:eu", "+-=._:/", "ns", "names"])
def test_08_11_keys_that_are_allowed(key: str) -> None:
    assert cleaned({key: "x"}) == {key: "x"}


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("", "1 to 127"),
        ("  ", "1 to 127"),
        ("a" * 128, "1 to 127"),
        ("a*b", "1 to 127"),
        ("a\nb", "1 to 127"),
        ("aws:x", "reserved"),
        ("AWS:x", "reserved"),
        (" opsworks:stack", "reserved"),
        ("rds:x", "reserved"),
        ("Name", "its Name"),
        (" name ", "its Name"),
    ],
    ids=["empty", "blank", "long", "star", "newline", "aws", "AWS", "opsworks", "rds", "Name", "name"],
)
def test_08_11_keys_that_are_refused_say_why(key: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        cleaned({key: "x"})


def test_08_11_values_have_at_most_255_of_the_same_signs_and_may_be_empty() -> None:
    assert cleaned({"a": "x" * 255, "b": "", "c": " eu "}) == {"a": "x" * 255, "b": "", "c": "eu"}

    for bad in ("x" * 256, "a?b", "\x00"):
        with pytest.raises(Invalid, match="value of 'a'"):
            cleaned({"a": bad})


def test_a_key_that_blanks_make_twice_is_refused() -> None:
    with pytest.raises(Invalid, match="twice"):
        cleaned({"a": "1", "a ": "2"})


def test_01_34_forty_tags_are_the_most() -> None:
    check_number({str(n): "" for n in range(LIMIT)}, of="stack shop")

    with pytest.raises(Invalid, match="stack shop would have 41 tags"):
        check_number({str(n): "" for n in range(LIMIT + 1)}, of="stack shop")


def test_what_a_layer_only_inherits_is_not_removed_there() -> None:
    assert without({"a": "1", "b": "2"}, ["a", " b ", "nowhere"], inherited={"a": "0"}) == {}

    with pytest.raises(Invalid, match="'a' is inherited"):
        without({"b": "2"}, ["a"], inherited={"a": "0"})


tags = st.dictionaries(st.sampled_from("abcdef"), st.text(max_size=3), max_size=6)


@given(tags, tags, st.sets(st.sampled_from("abcdef")))
def test_a_layer_never_loses_an_inherited_key(inherited: dict[str, str], own: dict[str, str], gone: set[str]) -> None:
    keys = gone - (inherited.keys() - own.keys())

    left = effective(inherited, without(own, keys, inherited=inherited))

    assert inherited.keys() <= left.keys()
    assert all(left[key] == inherited.get(key) for key in keys & left.keys())
