"""The last boto3, started once for each process of tests, and a served world for each test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conformance.world import Boto3, World, served
from toque_server.operations.context import Services


@pytest.fixture(scope="session")
def boto() -> Iterator[Boto3]:
    boto = Boto3(Path(os.environ["TOQUE_AWS"]).with_name("python"))
    yield boto
    boto.close()


@pytest.fixture
def world(boto: Boto3, services: Services) -> Iterator[World]:
    with served(boto, services) as world:
        yield world
