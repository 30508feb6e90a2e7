"""Tests of recipes and resources: what one makes a Secret hides nothing of the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from toque.core import secret


@pytest.fixture(autouse=True)
def _no_secrets_of_others() -> Iterator[None]:
    before = dict(secret._KNOWN)
    yield
    secret._KNOWN.clear()
    secret._KNOWN.update(before)
