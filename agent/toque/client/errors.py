"""What a call can end with instead of an answer.

CallFailed                          `code` is the error's name, the text is for people
├── Unreachable                     no connection, or it broke; `sent` says whether the request may have arrived
├── NoCredentials                   nobody said who calls
├── BadProfile                      a profile file cannot be read, or does not have the profile
├── BadAnswer                       what answered is not a Toque server
├── ServerFailed                    the server's own fault (HTTP 5xx)
└── Refused                         the server says no
    ├── ValidationException         the request is not one that can be carried out; `field` names the member
    ├── ResourceNotFoundException   it names something that does not exist
    ├── AccessDeniedException       you may not
    ├── UnknownOperationException   the server does not know this operation
    ├── ThrottlingException         too much at once; `retry_after` is in seconds
    ├── ConflictException           somebody else changed it meanwhile
    └── NotAuthenticated            the token, key or signature is not good
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


class CallFailed(Exception):
    """Any of them. `str()` is the message, `code` the stable name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Unreachable(CallFailed):
    def __init__(self, message: str, *, sent: bool, lasting: bool = False) -> None:
        super().__init__("Unreachable", message)
        self.sent, self.lasting = sent, lasting


class NoCredentials(CallFailed):
    def __init__(self) -> None:
        names = "TOQUE_API_TOKEN, or TOQUE_ACCESS_KEY_ID and TOQUE_SECRET_ACCESS_KEY"
        super().__init__("NoCredentials", f"set {names} (or their AWS_ counterparts)")


class BadProfile(CallFailed):
    def __init__(self, message: str) -> None:
        super().__init__("BadProfile", message)


class BadAnswer(CallFailed):
    def __init__(self, message: str) -> None:
        super().__init__("BadAnswer", f"{message}: is this the Toque server?")


class ServerFailed(CallFailed):
    """`status` is the HTTP status."""

    def __init__(self, code: str, message: str, *, status: int) -> None:
        super().__init__(code, message)
        self.status = status


class Refused(CallFailed):
    def __init__(self, code: str, message: str, *, field: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.field, self.retry_after = field, retry_after


class ValidationException(Refused): ...


class ResourceNotFoundException(Refused): ...


class AccessDeniedException(Refused): ...


class UnknownOperationException(Refused): ...


class ThrottlingException(Refused): ...


class ConflictException(Refused): ...


class NotAuthenticated(Refused): ...


_BY_CODE: Final[Mapping[str, type[Refused]]] = {
    kind.__name__: kind
    for kind in (
        ValidationException,
        ResourceNotFoundException,
        AccessDeniedException,
        UnknownOperationException,
        ThrottlingException,
        ConflictException,
        NotAuthenticated,
    )
}
# What AWS clients know a bad identity by.
_IDENTITY = frozenset(
    {
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "IncompleteSignatureException",
        "IncompleteSignature",
        "RequestExpired",
    }
)


def error_of(
    code: str, message: str, status: int, *, field: str | None = None, retry_after: float | None = None
) -> CallFailed:
    """The error that an answer with this code and HTTP status is."""
    if status >= 500:
        return ServerFailed(code, message, status=status)
    kind = NotAuthenticated if code in _IDENTITY or status == 401 else _BY_CODE.get(code, Refused)
    return kind(code, message, field=field, retry_after=retry_after)
