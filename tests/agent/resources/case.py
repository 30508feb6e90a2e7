"""A resource, and how to make a machine for it: the raw material of the contract tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from toque.core import Resource
from toque.testing.machine import FakeHost


@dataclass(frozen=True)
class Case:
    want: Resource[Any]
    host: Callable[[], FakeHost]
