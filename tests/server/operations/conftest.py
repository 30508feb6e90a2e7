"""Somebody who may do everything, on one or on both kinds of database."""

from __future__ import annotations

import pytest

from tests.server.operations.calls import Caller
from toque_server.operations.context import Services


@pytest.fixture
def root(services: Services) -> Caller:
    return Caller(services)


@pytest.fixture
def root_on_either(services_on_either: Services) -> Caller:
    return Caller(services_on_either)
