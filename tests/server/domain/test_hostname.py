from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toque_server.domain.hostname import THEMES, WORDS, check_hostname, suggest
from toque_server.domain.invalid import Invalid

shortnames = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-", min_size=1, max_size=32)


@pytest.mark.parametrize("theme", WORDS)
def test_s11_every_theme_has_thirty_words_that_fit_windows_with_a_number(theme: str) -> None:
    words = WORDS[theme]

    assert len(set(words)) == len(words) >= 30
    assert all(check_hostname(f"{word}99", windows=True) for word in words)


def test_01_13_there_are_twelve_themes() -> None:
    assert len(THEMES) == 12


@given(st.sampled_from(THEMES), shortnames, st.booleans(), st.data())
def test_s11_a_suggestion_is_free_and_a_good_host_name(
    theme: str, shortname: str, windows: bool, data: st.DataObject
) -> None:
    taken: set[str] = set()
    for _ in range(data.draw(st.integers(1, 60))):
        name = suggest(theme, shortname, taken, windows=windows)
        assert name not in taken
        assert check_hostname(name, windows=windows) == name
        taken.add(name)


def test_words_come_back_with_numbers_when_all_are_used() -> None:
    words = WORDS["Fruits"]

    assert suggest("Fruits", "web", set(words)) == f"{words[0]}2"
    assert suggest("Fruits", "web", {*words, f"{words[0]}2"}) == f"{words[1]}2"


def test_a_long_short_name_is_cut_so_that_the_number_fits() -> None:
    layer = "a-layer-with-a-long-name"

    assert suggest("Layer_Dependent", layer, (), windows=True) == "a-layer-with-a1"
    assert suggest("Layer_Dependent", layer, {f"a-layer-with-a{n}" for n in range(10)}, windows=True) == (
        "a-layer-with-10"
    )
    assert suggest("Layer_Dependent", layer, ()) == f"{layer}1"


def test_the_smallest_number_is_taken_and_case_does_not_count() -> None:
    assert suggest("Layer_Dependent", "lb", {"LB1", "lb3"}) == "lb2"


@pytest.mark.parametrize("name", ["", "-a", "a-", "a_b", "a.b", "ä", "a" * 64, "a\n"])
def test_i4_what_is_no_host_name(name: str) -> None:
    with pytest.raises(Invalid):
        check_hostname(name)
