"""The server that a command line speaks to: `toque.client`'s connection, by the environment and the profile files."""

from __future__ import annotations

from toque.client.connection import Connection
from toque.client.environment import from_environment
from toque.client.errors import CallFailed

__all__ = ["CallFailed", "Connection", "from_environment"]
