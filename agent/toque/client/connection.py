"""The server as a client sees it: where it is, who we are there, and one call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from toque.client.errors import BadAnswer, CallFailed, NoCredentials, Unreachable, error_of
from toque.client.retries import DEFAULT, Retries
from toque.client.sigv4 import sign

# requests is loaded by the first call: what only helps or completes a command line shall not wait for it.
if TYPE_CHECKING:
    import requests


@dataclass(frozen=True)
class Connection:
    """`api_token`, or an access key with its secret; the token goes first. With `anonymous` neither is needed.

    `ca_file` is a PEM file with the authority that signed the server's certificate; `verify=False` trusts any.
    Times are in seconds; None waits for ever. `say` is told, in words without secrets, what goes over the wire.
    """

    server_url: str
    api_token: str | None = field(default=None, repr=False)
    access_key_id: str | None = None
    secret_access_key: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    region: str = "local"
    verify: bool = True
    anonymous: bool = False
    connect_timeout: float | None = 10
    read_timeout: float | None = 300
    retries: Retries = DEFAULT
    say: Callable[[str], None] | None = field(default=None, repr=False)
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)

    def call(self, operation: str, target: str, members: Mapping[str, Any], *, reads: bool = False) -> dict[str, Any]:
        """Carry out one operation and answer with its members, under their wire names. Raises CallFailed.

        `reads` says that it may be repeated, because it changes nothing (or nothing more, the second time).
        """
        body = json.dumps(members).encode()
        attempt = 1
        while True:
            try:
                return self._once(operation, target, body)
            except CallFailed as error:
                wait = self.retries.delay(error, attempt, reads=reads)
                if wait is None:
                    raise
                self._said(f"{error.code}: {error}; once more in {wait:.1f} s")
            self.pause(wait)
            attempt += 1

    def _once(self, operation: str, target: str, body: bytes) -> dict[str, Any]:
        import requests

        url, headers = self._addressed(operation, target, body)
        self._said(f"POST {url} {target}.{operation}, {len(body)} bytes")
        try:
            answer = requests.post(
                url,
                data=body,
                headers=headers,
                timeout=(self.connect_timeout, self.read_timeout),
                verify=(self.ca_file or True) if self.verify else False,
                auth=_as_it_is,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise _unreachable(self.server_url.rstrip("/"), error) from error
        self._said(f"HTTP {answer.status_code}, {len(answer.content)} bytes")
        return _read(answer)

    def _addressed(self, operation: str, target: str, body: bytes) -> tuple[str, dict[str, str]]:
        base = self.server_url.rstrip("/")
        if self.api_token and not self.anonymous:
            headers = {"authorization": f"Bearer {self.api_token}", "content-type": "application/json"}
            return f"{base}/api/{operation}", headers
        name = f"{target}.{operation}"
        if self.anonymous:
            return f"{base}/", {"content-type": "application/x-amz-json-1.1", "x-amz-target": name}
        if not (self.access_key_id and self.secret_access_key):
            raise NoCredentials
        return f"{base}/", sign(
            host=urlsplit(base).netloc,
            target=name,
            body=body,
            access_key_id=self.access_key_id,
            secret=self.secret_access_key,
            region=self.region,
            now=datetime.now(UTC),
        )

    def _said(self, text: str) -> None:
        if self.say is not None:
            self.say(text)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without this, requests would put what `~/.netrc` says of the host in place of our authorization."""
    return request


def _unreachable(base: str, error: requests.RequestException) -> Unreachable:
    import requests

    # requests wraps what happened three times; the last words are what a person can act on.
    reason = getattr(error.args[0], "reason", error) if error.args else error
    said = str(reason).rpartition(": ")[2]
    if isinstance(error, requests.exceptions.SSLError):
        hint = "set TOQUE_CA_FILE to the server's CA certificate" if "certificate" in str(error) else "is it https?"
        return Unreachable(f"{base} cannot be trusted ({said}): {hint}", sent=False, lasting=True)
    lasting = isinstance(error, ValueError)  # an address that is none
    not_sent = type(reason).__name__ in ("NewConnectionError", "ConnectTimeoutError", "NameResolutionError")
    hint = "is the server running, and is TOQUE_SERVER_URL right?"
    return Unreachable(f"{base} cannot be reached ({said}): {hint}", sent=not not_sent, lasting=lasting)


def _read(answer: requests.Response) -> dict[str, Any]:
    try:
        said = answer.json() if answer.content else {}
    except ValueError:
        if answer.status_code >= 500:
            raise error_of(f"HTTP {answer.status_code}", str(answer.reason), answer.status_code) from None
        raise BadAnswer(f"HTTP {answer.status_code} without JSON") from None
    if not isinstance(said, dict):
        raise BadAnswer("the answer is no JSON object")
    if answer.ok:
        return said
    code = said.get("code") or str(said.get("__type", "")).rpartition("#")[2] or f"HTTP {answer.status_code}"
    message = str(said.get("detail") or said.get("message") or said.get("Message") or answer.reason)
    raise error_of(code, message, answer.status_code, field=said.get("field"), retry_after=_seconds(answer))


def _seconds(answer: requests.Response) -> float | None:
    try:
        return float(answer.headers["retry-after"])
    except (KeyError, ValueError):
        return None
