"""Fixtures of the agents' routes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.http.fleet import Fleet, running
from toque_server.operations.context import Services


@pytest.fixture
def fleet(services: Services) -> Iterator[Fleet]:
    """A server on SQLite, without any stack yet."""
    with running(services) as fleet:
        yield fleet


@pytest.fixture
def fleet_on_either(services_on_either: Services) -> Iterator[Fleet]:
    """A server on SQLite, then on PostgreSQL."""
    with running(services_on_either) as fleet:
        yield fleet
