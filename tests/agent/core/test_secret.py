from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from toque.core import Secret


def test_it_shows_itself_as_stars() -> None:
    assert repr(Secret("hunter2")) == "Secret('***')"
    assert "hunter2" not in repr({"password": [Secret("hunter2")]})


@pytest.mark.parametrize(
    "derived",
    [
        lambda s: s + "x",
        lambda s: "x" + s,
        lambda s: s * 2,
        lambda s: s.strip(),
        lambda s: s.replace("u", "v"),
        lambda s: s.join(["a", "b"]),
        lambda s: str(s),
        lambda s: f"{s}",
        lambda s: pickle.loads(pickle.dumps(s)),
    ],
)
def test_what_is_made_of_it_is_a_secret_too(derived: Any) -> None:
    assert isinstance(derived(Secret("hunter2")), Secret)


def test_who_needs_the_value_gets_it() -> None:
    secret = Secret("hunter2")

    assert f"password={secret}" == "password=hunter2"
    assert json.dumps({"p": secret}) == '{"p": "hunter2"}'
    assert type(secret.reveal()) is str
