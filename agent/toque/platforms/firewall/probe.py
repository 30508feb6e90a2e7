"""Whether the machine can still be reached, or reach what it must, under new rules."""

from __future__ import annotations

import os
import socket
import time
import tomllib
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from toque.core import Host

Probe = Sequence[str] | Callable[[], bool]
_CONFIG = "/etc/toque/agent.toml"
_PORTS = {"http": 80, "https": 443}
_ONE_TRY = 3.0
"""Seconds that one connection may take."""


def server_of(host: Host) -> tuple[str, int] | None:
    """The address of the server that this machine's agent polls; None where it has no agent."""
    text = (host.read(_CONFIG) or b"").decode(errors="replace")
    try:
        url = os.environ.get("TOQUE_AGENT_SERVER_URL") or tomllib.loads(text).get("server_url", "")
        parts = urlsplit(str(url))
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and port else None


def passes(host: Host, probe: Probe, seconds: float) -> bool:
    """Whether the probe succeeds, at once or when it is tried again within these seconds."""
    deadline = time.monotonic() + seconds
    while not _once(host, probe):
        if time.monotonic() >= deadline:
            return False
        host.run(["sleep", "0.2"])
    return True


def reaches(address: tuple[str, int]) -> bool:
    """Whether a new connection is made."""
    try:
        with socket.create_connection(address, timeout=_ONE_TRY):
            return True
    except OSError:
        return False


def _once(host: Host, probe: Probe) -> bool:
    if callable(probe):
        return bool(probe())
    return host.run(probe, ok=range(256), timeout=_ONE_TRY).code == 0
