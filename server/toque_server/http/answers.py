"""What the agents' routes answer: a status, headers and a body, as WSGI wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from toque.protocol.messages import Refusal

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Headers = list[tuple[str, str]]


class Answer(NamedTuple):
    """One response. `body` is given whole, or as pieces for what is long."""

    status: str
    headers: Headers
    body: Iterable[bytes]


class Refused(Exception):
    """A request ends here, with this answer. `reason` is for the server's own log and counters, never for the peer."""

    def __init__(self, answer: Answer, reason: str) -> None:
        super().__init__(reason)
        self.answer, self.reason = answer, reason


def of_bytes(body: bytes, *, status: str = "200 OK", content_type: str = "application/json") -> Answer:
    return Answer(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))], [body])


def of(message: msgspec.Struct, *, status: str = "200 OK") -> Answer:
    return of_bytes(msgspec.json.encode(message), status=status)


def refusal(status: str, error: str, message: str = "", *, retry_after: int | None = None) -> Answer:
    answer = of(Refusal(error, message), status=status)
    return (
        answer if retry_after is None else answer._replace(headers=[*answer.headers, ("Retry-After", str(retry_after))])
    )


UNAUTHENTICATED = refusal(
    "401 Unauthorized", "unauthenticated", "this request is not signed by a key that is known here"
)
"""The one answer to every request that does not prove who sends it, whatever the reason (S2)."""


def unauthenticated(reason: str) -> Refused:
    return Refused(UNAUTHENTICATED, reason)


def too_large(limit: int) -> Refused:
    return Refused(
        refusal("413 Content Too Large", "too_large", f"a request's body has at most {limit} bytes"), "body too large"
    )


def malformed(message: str) -> Refused:
    return Refused(refusal("400 Bad Request", "malformed", message), message)


def not_found(message: str) -> Refused:
    """Also for what exists and belongs to another node: the answers must not differ (S5)."""
    return Refused(refusal("404 Not Found", "not_found", message), message)


def conflict(error: str, message: str) -> Refused:
    return Refused(refusal("409 Conflict", error, message), message)
