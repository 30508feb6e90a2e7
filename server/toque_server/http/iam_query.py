"""The query protocol of IAM (2010-05-08) at `POST /`: a signed form in, XML out, for `aws opsworks register`.

Only what that client sends is known here; the actions are in `operations.registrations`. Codes and numbers of errors
are IAM's, because the client decides by them how it goes on.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from flask import Response, request

from toque_server.http import metrics, sigv4
from toque_server.http.aws_json import signer
from toque_server.http.problems import problem_of
from toque_server.http.throttle import Throttle
from toque_server.operations import registry, wire
from toque_server.operations.context import Services
from toque_server.operations.errors import (
    AccessDeniedException,
    OperationError,
    UnknownOperationException,
    ValidationException,
)
from toque_server.operations.registrations import ACTIONS
from toque_server.operations.registry import Operation

VERSION: Final = "2010-05-08"
NAMESPACE: Final = f"https://iam.amazonaws.com/doc/{VERSION}/"

_MOST_MEMBERS: Final = 100
_NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

CODES: Final[Mapping[str, tuple[str, int]]] = {
    "ValidationException": ("ValidationError", 400),
    "MalformedPolicyDocument": ("MalformedPolicyDocument", 400),
    "ResourceNotFoundException": ("NoSuchEntity", 404),
    "EntityAlreadyExists": ("EntityAlreadyExists", 409),
    "LimitExceeded": ("LimitExceeded", 409),
    "AccessDeniedException": ("AccessDenied", 403),
    "UnknownOperationException": ("InvalidAction", 400),
    "ThrottlingException": ("Throttling", 400),
    "MissingAuthenticationTokenException": ("MissingAuthenticationToken", 403),
    "IncompleteSignatureException": ("IncompleteSignature", 400),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "UnrecognizedClientException": ("InvalidClientTokenId", 403),
    "ServiceUnavailable": ("ServiceUnavailable", 503),
}
"""Our codes, as IAM calls them, and the number that each bears; whatever else there is, is `ServiceFailure`."""


def answerer(services: Services, throttle: Throttle) -> Callable[[], Response]:
    """What answers one request of this protocol."""

    def carry_out() -> Response:
        request_id = str(uuid.uuid4())
        with metrics.timed("iam") as seen:
            try:
                ctx = signer(services, request_id, service=sigv4.IAM)
                throttle.take(ctx.caller.arn)
                action, members = _form(request.get_data())
                seen.operation = action.name
                said = registry.invoke(action, ctx, registry.decoded(action, ctx, members))
                answer = _answer(200, _done(action, {} if said is None else wire.encode(said), request_id))
            except Exception as error:  # noqa: BLE001 - around one request
                answer = _refused(error, request_id)
            seen.status = answer.status_code
        answer.headers["x-amzn-RequestId"] = request_id
        return answer

    return carry_out


def _form(body: bytes) -> tuple[Operation, dict[str, str]]:
    """The action, and its members by name. Raises ValidationException, UnknownOperationException."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_MOST_MEMBERS,
        )
    except ValueError:
        raise ValidationException("the request is no form: Action=…&Version=…") from None
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValidationException("a member came twice")
    name, version = members.pop("Action", ""), members.pop("Version", "")
    if name not in ACTIONS or version != VERSION:
        raise UnknownOperationException(
            f"Could not find operation {name[:100]!r} for version {version[:20]!r}: of IAM this server knows what "
            f"`aws opsworks register` needs, which is {', '.join(ACTIONS)} of {VERSION}"
        )
    return ACTIONS[name], members


def _done(action: Operation, said: Mapping[str, Any], request_id: str) -> Element:
    name = action.request.__name__
    root = Element(f"{name}Response", xmlns=NAMESPACE)
    if action.result is not None:
        _write(SubElement(root, f"{name}Result"), said)
    _write(root, {"ResponseMetadata": {"RequestId": request_id}})
    return root


def _refused(error: Exception, request_id: str) -> Response:
    problem = problem_of(error, request_id)
    code, status = CODES.get(problem.code, ("ServiceFailure", problem.aws_status if problem.aws_status >= 500 else 500))
    root = Element("ErrorResponse", xmlns=NAMESPACE)
    kind = "Sender" if isinstance(error, OperationError) else "Receiver"
    message = problem.message
    if isinstance(error, AccessDeniedException):
        message = f"User: {error.arn} is not authorized to perform: {error.action} on resource: {error.resource}"
    _write(root, {"Error": {"Type": kind, "Code": code, "Message": message}, "RequestId": request_id})
    return _answer(status, root)


def _write(under: Element, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        inner = SubElement(under, name)
        if isinstance(value, Mapping):
            _write(inner, value)
        else:
            inner.text = _NOT_IN_XML.sub("\ufffd", str(value))


def _answer(status: int, root: Element) -> Response:
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return Response(body, status=status, content_type="text/xml; charset=utf-8")
