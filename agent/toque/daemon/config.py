"""The agent's settings: `/etc/toque/agent.toml`, each key of it also as `TOQUE_AGENT_<KEY>` in the environment."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

DEFAULT_PATH: Final = Path("/etc/toque/agent.toml")
PREFIX: Final = "TOQUE_AGENT_"


class BadConfig(Exception):
    """The settings cannot be used; the message says which and what to write."""


class AgentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an agent must be told; everything else comes from the server."""

    server_url: str = ""
    """Where the server is, e.g. `https://toque.example:8780`."""
    ca_file: str = ""
    """A PEM file with the authority of the server's certificate, where the system does not know it."""
    state_dir: str = "/var/lib/toque"
    """Keys, journal, runs and caches; for root only."""
    log_dir: str = "/var/log/toque"
    """Where the logs of runs are kept when the node leaves its stack."""
    join_token_file: str = ""
    """A file with a join token, read once, when the node has no identity."""
    provider_instance_id: str = ""
    """How the provider calls this machine; a copy of the disk on another machine is recognised by it."""
    address: str = ""
    """The address to report, where the one of the route to the server is not right."""
    hostname: str = ""
    """The host name to report, where the machine's own is not right."""
    minimum_free_mb: int = 32
    """Mebibytes of free space below which no run starts."""


def load_config(path: Path | None, environment: Mapping[str, str]) -> AgentConfig:
    """The settings of the file at `path` (the default one may be absent), overridden by the environment."""
    chosen = path or Path(environment.get(f"{PREFIX}CONFIG", str(DEFAULT_PATH)))
    try:
        values = dict(tomllib.loads(chosen.read_text()))
    except FileNotFoundError:
        if path is not None:
            raise BadConfig(f"there is no {chosen}") from None
        values = {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise BadConfig(f"{chosen} is no TOML: {wrong}") from wrong
    for name in AgentConfig.__struct_fields__:
        if (override := environment.get(PREFIX + name.upper())) is not None:
            values[name] = override
    try:
        config = msgspec.convert(values, AgentConfig, strict=False)
    except msgspec.ValidationError as wrong:
        raise BadConfig(f"{chosen}: {wrong}") from wrong
    if config.server_url:
        check_server_url(config.server_url)
    return config


def check_server_url(url: str) -> str:
    """The URL without a slash at its end, when it is one of a server; BadConfig otherwise."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise BadConfig(f"server_url must look like https://toque.example:8780, not {url!r}")
    return url.rstrip("/")
