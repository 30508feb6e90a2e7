from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from toque_server.domain.shortname import app_shortname, check_app_shortname, stack_slug


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=20))
def test_made_short_names_pass_their_own_check_and_never_repeat(names: list[str]) -> None:
    taken: set[str] = set()

    for name in names:
        made = app_shortname(name, taken)
        check_app_shortname(made)
        assert made not in taken
        taken.add(made)


@given(st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=20))
def test_slugs_are_plain_and_never_repeat(names: list[str]) -> None:
    taken: set[str] = set()

    for name in names:
        slug = stack_slug(name, taken)
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
        assert slug not in taken
        taken.add(slug)
