"""The API for everybody else: `POST /api/<Operation>` with an API token, and its OpenAPI document.

Errors are problem documents (RFC 9457): `code` says which, `detail` what to do, `field` which member.
"""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from toque_server.http import json_body, metrics, openapi
from toque_server.http.bearer import caller_of
from toque_server.http.problems import Problem, problem_of
from toque_server.http.throttle import Throttle
from toque_server.operations.context import Services
from toque_server.operations.errors import ValidationException
from toque_server.operations.registry import OPERATIONS, call, find, recorded


def blueprint(services: Services, throttle: Throttle) -> Blueprint:
    """`POST /api/<Operation>` and `GET /api/openapi.json`."""
    api = Blueprint("api", __name__, url_prefix="/api")

    @api.post("/<name>")
    def carry_out(name: str) -> Response:
        request_id = str(uuid.uuid4())
        with metrics.timed("api") as seen:
            try:
                ctx = caller_of(services, request_id)
                with recorded(OPERATIONS.get(name), ctx):
                    throttle.take(ctx.caller.arn)
                seen.operation = find(name).name
                answer = _answer(call(name, ctx, _json()), request_id)
            except Exception as error:  # noqa: BLE001 - around one request
                answer = problem_answer(problem_of(error, request_id), request_id)
            seen.status = answer.status_code
        return answer

    @api.get("/openapi.json")
    def document() -> Response:
        return Response(_document(), content_type="application/json")

    @cache
    def _document() -> bytes:
        return msgspec.json.encode(openapi.document(services.settings.public_url))

    return api


def problem_answer(problem: Problem, request_id: str) -> Response:
    """A problem document."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": problem.code,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.message,
        "request_id": request_id,
    }
    if problem.field is not None:
        body["field"] = problem.field
    answer = Response(msgspec.json.encode(body), status=problem.status, content_type="application/problem+json")
    answer.headers["X-Request-Id"] = request_id
    if problem.retry_after is not None:
        answer.headers["Retry-After"] = str(max(1, round(problem.retry_after)))
    if problem.status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _json() -> Any:
    if request.mimetype != "application/json" and request.get_data():
        raise ValidationException("please send JSON, with Content-Type: application/json")
    return json_body.decoded(request.get_data())


def _answer(body: dict[str, Any], request_id: str) -> Response:
    answer = Response(msgspec.json.encode(body), content_type="application/json")
    answer.headers["X-Request-Id"] = request_id
    answer.headers["Cache-Control"] = "no-store"
    return answer
