"""http_request: a request to an HTTP server, and what it must answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar, Literal

from toque.core import BadProperty, Change, Host, Resource, ToqueError, action, recipe_word, resource
from toque.core.files import absolute
from toque.core.host import WebAnswer, WebRequest
from toque.core.masking import mask
from toque.core.urls import check_headers, without_password

_SHOWN = 300


class UnexpectedAnswer(ToqueError):
    """A server answered, and not what was expected."""


@dataclass(frozen=True)
class RequestState:
    """Answered as expected; when it was not sent yet, there is no state at all."""

    answered: bool = True


@resource("http_request")
@dataclass(frozen=True)
class HttpRequest(Resource[RequestState]):
    """Send an HTTP request; the handle has the answer: `it.answer.status`, `.text`, `.json()`, `.headers`.

    url        http or https; a user and a password in it are sent as a header, and hidden
    method     GET and HEAD only look: they are sent in a plan too, and are never a change
    headers    more of them; values may be Secrets. Another host that a redirect leads to does not get them
    json       sent as JSON
    body       text, bytes or a Secret, sent as it is
    expect     the statuses that are a success
    contains   a text that the answer must have
    unless     a function without arguments that only looks: when it answers yes, nothing is sent
    timeout    seconds for connecting, and for waiting for the answer
    ca_file    the authorities to trust, a PEM file, instead of the system's
    cert_file, key_file   a certificate, and its key where it is not in the same file, to show to the server
    when_told  True: it is sent only as `notify=[it.send]` of another resource

    Whatever else the answer is fails the resource; `retries` and `retry_delay` try again. Redirects are followed only
    for GET and HEAD. Without unless, only_if or not_if anything but GET and HEAD is sent each time, and is a change.

        health = http_request("http://127.0.0.1:8080/health", expect=[200, 503])
        http_request("https://hooks.example.org/deployed", method="POST", json={"host": node.hostname}, when_told=True)
    """

    made: ClassVar[str] = "sent"

    url: str
    _: KW_ONLY
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    body: str | bytes | None = None
    expect: Sequence[int] = (200, 201, 202, 204)
    contains: str | None = None
    unless: Callable[[], bool] | None = None
    timeout: float = 30.0
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    when_told: bool = False

    def __post_init__(self) -> None:
        if not re.match(r"https?://[^\s/]", self.url) or any(ord(letter) <= 32 for letter in self.url):
            raise BadProperty(f"http_request url must be http://… or https://… without blanks, got {self.identity()!r}")
        if self.json is not None and self.body is not None:
            raise BadProperty("http_request takes json or body, not both")
        if self.only_looks and (self.json is not None or self.body is not None):
            raise BadProperty(f"http_request {self.method} has no body: say method='POST', or leave json and body out")
        check_headers("http_request", self.headers)
        for name in ("ca_file", "cert_file", "key_file"):
            if (path := getattr(self, name)) is not None:
                absolute(f"http_request {name}:", path)
        if self.key_file is not None and self.cert_file is None:
            raise BadProperty("http_request key_file needs cert_file, the certificate that it belongs to")

    @property
    def only_looks(self) -> bool:
        return self.method in ("GET", "HEAD")

    @property
    def answer(self) -> WebAnswer | None:
        """What the server answered in this run; None where nothing was sent."""
        return self.__dict__.get("_answer")

    def identity(self) -> str:
        return without_password(self.url)

    def desired(self) -> RequestState:
        return RequestState()

    def current(self, host: Host) -> RequestState | None:
        if self.when_told or (self.unless is not None and self.unless()):
            return RequestState()
        if self.only_looks:
            self._send(host)
            return RequestState()
        return None

    def apply(self, host: Host, change: Change[RequestState]) -> None:
        self._send(host)

    @action
    def send(self, host: Host) -> None:
        """Send it now."""
        self._send(host)

    def can_look_again(self) -> bool:
        return self.unless is not None

    def _send(self, host: Host) -> None:
        headers = {name: str.__str__(value) for name, value in self.headers.items()}
        body = self.body
        if self.json is not None:
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(self.json)
        raw = str.__str__(body).encode() if isinstance(body, str) else body
        url = str.__str__(self.url)
        files = self.ca_file, self.cert_file, self.key_file
        answer = host.ask(WebRequest(url, self.method, headers, raw, self.timeout, *files))
        self.__dict__["_answer"] = answer
        if answer.status not in self.expect:
            wanted = " or ".join(map(str, self.expect))
            raise UnexpectedAnswer(f"{self.identity()} answers {answer.status}, not {wanted}{_said(answer)}")
        if self.contains is not None and self.contains not in answer.text:
            raise UnexpectedAnswer(f"{self.identity()} answers without {mask(self.contains)!r}{_said(answer)}")


def _said(answer: WebAnswer) -> str:
    text = answer.text.strip()
    return f"\nit said: {text[:_SHOWN]}{'…' if len(text) > _SHOWN else ''}" if text else ""


http_request = recipe_word(HttpRequest)
