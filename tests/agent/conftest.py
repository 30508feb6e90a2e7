"""Tests of recipes and resources: what one makes a Secret hides nothing of the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from toque.core.masking import secrets_apart


@pytest.fixture(autouse=True)
def _no_secrets_of_others() -> Iterator[None]:
    with secrets_apart():
        yield
