"""How deep data may be."""

from __future__ import annotations

from typing import Any

import pytest

from toque_server.domain import custom_json
from toque_server.domain.invalid import Invalid
from toque_server.domain.nesting import DEEPEST, is_deeper


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if levels % 2 else {"a": value}
    return value


def test_what_is_as_deep_as_allowed_is_not_deeper() -> None:
    assert not is_deeper(nested(DEEPEST))
    assert is_deeper(nested(DEEPEST + 1))


@pytest.mark.parametrize("depth", [DEEPEST + 1, 5_000], ids=["one-too-deep", "too-deep-for-the-stack"])
def test_custom_json_that_is_too_deep_says_how_deep_it_may_be(depth: int) -> None:
    with pytest.raises(Invalid, match="CustomJson is nested deeper than 100 levels"):
        custom_json.parse('{"a":' * depth + "1" + "}" * depth)
