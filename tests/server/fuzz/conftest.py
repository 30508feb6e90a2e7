"""A server that is put back as it was for each request."""

from __future__ import annotations

import pytest

from tests.server.fuzz.door import Door, opened
from toque_server.operations.context import Services


@pytest.fixture
def door(services: Services) -> Door:
    return opened(services)
