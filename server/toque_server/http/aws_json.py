"""The AWS JSON 1.1 wire at `POST /`: what the OpsWorks clients speak, and our own operations beside theirs."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from toque_server.http import json_body, metrics, sigv4
from toque_server.http.problems import problem_of
from toque_server.http.throttle import Throttle
from toque_server.operations import identity
from toque_server.operations.context import Context, Services
from toque_server.operations.errors import NotAuthenticated, UnknownOperationException
from toque_server.operations.registry import OPERATIONS, OPSWORKS, TOQUE, call, find, recorded

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded"


def blueprint(services: Services, throttle: Throttle, *, forms: Callable[[], Response]) -> Blueprint:
    """`POST /`. `forms` answers what is no JSON but a form: the query protocol of IAM, on the same address."""
    wire = Blueprint("aws_json", __name__)

    @wire.post("/")
    def carry_out() -> Response:
        if request.mimetype == FORM:
            return forms()
        request_id = str(uuid.uuid4())
        with metrics.timed("aws_json") as seen:
            try:
                ctx = signer(services, request_id)
                target = request.headers.get("X-Amz-Target", "")
                with recorded(OPERATIONS.get(target.partition(".")[2]), ctx):
                    throttle.take(ctx.caller.arn)
                name = _operation(target)
                seen.operation = name
                answer = _answer(200, call(name, ctx, json_body.decoded(request.get_data())), request_id)
            except Exception as error:  # noqa: BLE001 - around one request
                problem = problem_of(error, request_id)
                body = {"__type": problem.code, "message": problem.message}
                answer = _answer(problem.aws_status, body, request_id)
            seen.status = answer.status_code
        return answer

    return wire


def signer(services: Services, request_id: str, *, service: str = sigv4.OPSWORKS) -> Context:
    """Who signed this request, which is to that service. Raises NotAuthenticated."""
    try:
        claim = sigv4.parse(
            method=request.method,
            path=request.path,
            query=request.query_string.decode("latin-1"),
            headers=request.headers.items(),
            now=_now(services),
            service=service,
        )
        holder = identity.by_access_key(services, claim.access_key_id)
        if holder is None:
            raise sigv4.unknown_key()
        # Only now: whoever sends slowly holds a thread, so it must be somebody we know (R22).
        sigv4.verify(claim, request.get_data(), holder.secret)
    except sigv4.BadSignatureV4 as error:
        raise NotAuthenticated(error.code, error.message) from None
    if holder.stale:
        identity.note_use_of_key(services, claim.access_key_id)
    return Context(
        caller=holder.principal,
        services=services,
        address=request.remote_addr or "",
        secure=request.is_secure or services.settings.secure,
        access_key_id=claim.access_key_id,
        request_id=request_id,
    )


def _now(services: Services) -> Any:
    with services.database.read() as conn:
        return services.database.now(conn)


def _operation(target: str) -> str:
    prefix, _, name = target.partition(".")
    if prefix not in (OPSWORKS, TOQUE) or name not in OPERATIONS:
        raise UnknownOperationException(f"there is no operation {target[:100]!r}")
    return find(name, target=prefix).name


def _answer(status: int, body: dict[str, Any], request_id: str) -> Response:
    answer = Response(msgspec.json.encode(body), status=status, content_type=CONTENT_TYPE)
    answer.headers["x-amzn-RequestId"] = request_id
    return answer
