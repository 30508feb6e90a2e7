"""The errors an operation may answer, drawn as a tree; what number they become on the wire is decided in `http`.

OperationError
├── ValidationException            the request is not one we can carry out
├── ResourceNotFoundException      it names something that does not exist
├── AccessDeniedException          the caller may not
├── UnknownOperationException      there is no such operation
├── ThrottlingException            not now
├── ConflictException              somebody else changed it meanwhile (our own operations only)
└── NotAuthenticated               who calls? Its `code` says what was wrong
"""

from __future__ import annotations


class OperationError(Exception):
    """What a caller is told. `code` is the `__type` on the wire."""

    code = "InternalFailure"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ValidationException(OperationError):
    """The request cannot be carried out as it stands; `field` is the wire path of the member that is wrong."""

    code = "ValidationException"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class ResourceNotFoundException(OperationError):
    code = "ResourceNotFoundException"


class AccessDeniedException(OperationError):
    """Message as chapter 07, section 3.1; `reason` stands behind it where there is more to say than that.

    `stack_id` is for the audit alone: the message names a stack only to those who may know of it.
    """

    code = "AccessDeniedException"

    def __init__(
        self, arn: str, action: str, resource: str = "*", *, reason: str = "", stack_id: str | None = None
    ) -> None:
        full = action if ":" in action else f"opsworks:{action}"
        said = f"User: {arn} is not authorized to perform: {full} on resource: {resource}"
        super().__init__(f"{said}: {reason}" if reason else said)
        self.arn, self.action, self.resource = arn, action, resource
        self.reason, self.stack_id = reason, stack_id


class UnknownOperationException(OperationError):
    code = "UnknownOperationException"


class ThrottlingException(OperationError):
    """Too much at once; `retry_after` is in seconds."""

    code = "ThrottlingException"

    def __init__(self, message: str = "Rate exceeded", *, retry_after: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ConflictException(OperationError):
    code = "ConflictException"


class NotAuthenticated(OperationError):
    """The caller did not prove who he is; `code` is one of the codes AWS clients know."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
