"""A world for every test of the loops."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """One stack `s-1` with one healing layer `app`, and no instance yet; the times are the defaults."""
    made = World(f"sqlite:///{tmp_path}/toque.db", tmp_path)
    made.stack()
    made.layer()
    yield made
    made.database.close()
