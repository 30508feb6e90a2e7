"""A Python client of the server: `from toque.client import Client`. Names are bound when they are first used.

`toque.client.structures` has the structures of requests and answers; `toque.client.errors` draws the tree of errors.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toque.client.client import Client
    from toque.client.connection import Connection
    from toque.client.environment import from_environment
    from toque.client.errors import (
        AccessDeniedException,
        BadAnswer,
        BadProfile,
        CallFailed,
        ConflictException,
        NoCredentials,
        NotAuthenticated,
        Refused,
        ResourceNotFoundException,
        ServerFailed,
        ThrottlingException,
        UnknownOperationException,
        Unreachable,
        ValidationException,
    )
    from toque.client.retries import Retries
    from toque.client.waiting import WaitFailed

_PLACES = {
    "Client": "client",
    "Connection": "connection",
    "Retries": "retries",
    "WaitFailed": "waiting",
    "from_environment": "environment",
}

__all__ = [
    "AccessDeniedException",
    "BadAnswer",
    "BadProfile",
    "CallFailed",
    "Client",
    "ConflictException",
    "Connection",
    "NoCredentials",
    "NotAuthenticated",
    "Refused",
    "ResourceNotFoundException",
    "Retries",
    "ServerFailed",
    "ThrottlingException",
    "UnknownOperationException",
    "Unreachable",
    "ValidationException",
    "WaitFailed",
    "from_environment",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'toque.client' has no {name!r}")
    return getattr(import_module(f"toque.client.{_PLACES.get(name, 'errors')}"), name)
