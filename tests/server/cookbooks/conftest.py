"""A server's routes for agents, with instances that a test plays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server.http.fleet import Fleet, running
from toque_server.operations.context import Services


@pytest.fixture
def fleet(services: Services) -> Iterator[Fleet]:
    with running(services) as made:
        yield made
