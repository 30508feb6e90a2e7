"""The server as the command line sees it: where it is, who we are there, and one call.

Environment: TOQUE_SERVER_URL, TOQUE_API_TOKEN or TOQUE_ACCESS_KEY_ID and TOQUE_SECRET_ACCESS_KEY, TOQUE_CA_FILE. The
same names in lower case without `TOQUE_` stand in `$XDG_CONFIG_HOME/toque/profile.toml`; the environment goes first.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from toque.cli.sigv4 import sign

_DEFAULT_URL = "http://127.0.0.1:8780"
_TIMEOUT = (10, 300)


class CallFailed(Exception):
    """The server's refusal, or that it could not be reached; `code` is the error's name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Connection:
    """`api_token`, or an access key with its secret; the token goes first."""

    server_url: str
    api_token: str | None = field(default=None, repr=False)
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    def call(self, operation: str, target: str, members: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one operation. Raises CallFailed."""
        body = json.dumps(members).encode()
        base = self.server_url.rstrip("/")
        if self.api_token:
            url = f"{base}/api/{operation}"
            headers = {"authorization": f"Bearer {self.api_token}", "content-type": "application/json"}
        elif self.access_key_id and self.secret_access_key:
            url = f"{base}/"
            headers = sign(
                host=urlsplit(base).netloc,
                target=f"{target}.{operation}",
                body=body,
                access_key_id=self.access_key_id,
                secret=self.secret_access_key,
                now=datetime.now(UTC),
            )
        else:
            raise CallFailed("NoCredentials", "set TOQUE_API_TOKEN, or TOQUE_ACCESS_KEY_ID and TOQUE_SECRET_ACCESS_KEY")
        try:
            answer = requests.post(url, data=body, headers=headers, timeout=_TIMEOUT, verify=self.ca_file or True)
        except requests.RequestException as error:
            # requests wraps what happened three times; the last words are what a person can act on.
            said = str(getattr(error.args[0], "reason", error) if error.args else error).rpartition(": ")[2]
            hint = "is the server running, and is TOQUE_SERVER_URL right?"
            raise CallFailed("Unreachable", f"{base} cannot be reached ({said}): {hint}") from error
        return _read(answer)


def from_environment(environ: Mapping[str, str] = os.environ) -> Connection:
    """The connection that the environment and the profile file describe. Raises CallFailed for an unreadable file."""
    profile = _profile(environ)

    def value(name: str) -> str | None:
        found = environ.get(f"TOQUE_{name.upper()}") or profile.get(name)
        return str(found) if found else None

    return Connection(
        server_url=value("server_url") or _DEFAULT_URL,
        api_token=value("api_token"),
        access_key_id=value("access_key_id"),
        secret_access_key=value("secret_access_key"),
        ca_file=value("ca_file"),
    )


def _profile(environ: Mapping[str, str]) -> dict[str, Any]:
    home = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "/")) / ".config")
    path = Path(home) / "toque" / "profile.toml"
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CallFailed("BadProfile", f"{path}: {error}") from error


def _read(answer: requests.Response) -> dict[str, Any]:
    try:
        said = answer.json() if answer.content else {}
    except requests.JSONDecodeError:
        raise CallFailed("BadAnswer", f"HTTP {answer.status_code} without JSON: is this the Toque server?") from None
    if not isinstance(said, dict):
        raise CallFailed("BadAnswer", "the answer is no JSON object: is this the Toque server?")
    if answer.ok:
        return said
    code = said.get("code") or str(said.get("__type", "")).rpartition("#")[2] or f"HTTP {answer.status_code}"
    raise CallFailed(code, str(said.get("detail") or said.get("message") or said.get("Message") or answer.reason))
