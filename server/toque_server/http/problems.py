"""Every error that may leave an operation, and the number it bears on each wire: the one table of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy.exc import OperationalError, TimeoutError
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from toque_server.operations.errors import (
    AccessDeniedException,
    ConflictException,
    NotAuthenticated,
    OperationError,
    ResourceNotFoundException,
    ThrottlingException,
    UnknownOperationException,
    ValidationException,
)
from toque_server.store.database import DiskFull

log = logging.getLogger(__name__)

STATUS: dict[type[OperationError], int] = {
    ValidationException: 400,
    NotAuthenticated: 401,
    AccessDeniedException: 403,
    ResourceNotFoundException: 404,
    UnknownOperationException: 404,
    ConflictException: 409,
    ThrottlingException: 429,
}
"""HTTP status on `/api`. On the AWS wire each of them is 400 (chapter 09, section 2)."""


LONGEST_MESSAGE = 1_000
"""Characters of a message: one that quotes what was sent does not send a megabyte back."""


@dataclass(frozen=True)
class Problem:
    """What a client is told. `status` is for `/api`, `aws_status` for the AWS wire; `retry_after` is in seconds."""

    code: str
    message: str
    status: int
    aws_status: int
    field: str | None = None
    retry_after: float | None = None


def problem_of(error: Exception, request_id: str) -> Problem:
    """What to say about an exception. What nobody expected is logged with its traceback, and told without one."""
    match error:
        case OperationError():
            status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)
            return Problem(
                error.code,
                _brief(error.message),
                status,
                400,
                field=getattr(error, "field", None),
                retry_after=getattr(error, "retry_after", None),
            )
        case RequestEntityTooLarge():
            said = "the request is too large: its body has at most 4 MiB"
            return Problem("RequestEntityTooLarge", said, 413, 413)
        case BadRequest():
            # The body ended before its length, or its head is no HTTP.
            return Problem("ValidationException", "the request did not arrive whole", 400, 400)
        case DiskFull():
            log.error("request %s: %s", request_id, error)
            return Problem("InsufficientStorage", str(error), 507, 507)
        case OperationalError() | TimeoutError():
            log.error("request %s: the database did not answer: %s", request_id, error)
            said = "the database did not answer; nothing was changed, please try again"
            return Problem("ServiceUnavailable", said, 503, 503, retry_after=2)
        case _:
            log.error("request %s failed", request_id, exc_info=error)
            said = f"something went wrong in the server; its log has the reason under request {request_id}"
            return Problem("InternalFailure", said, 500, 500)


def _brief(message: str) -> str:
    """The message, whose ends say what is wrong where its middle is what somebody sent."""
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"{message[: LONGEST_MESSAGE - 203]} … {message[-200:]}"
