"""Bearer tokens on a request."""

from __future__ import annotations

from flask import request

from toque_server.operations import identity
from toque_server.operations.context import Context, Services
from toque_server.operations.errors import NotAuthenticated


def caller_of(services: Services, request_id: str = "") -> Context:
    """Whose token the request bears. Raises NotAuthenticated."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise NotAuthenticated(
            "NotAuthenticated",
            "please send an API token: Authorization: Bearer tqa_…; make one in the console or with "
            "`toque server create-api-token`",
        )
    principal = identity.by_api_token(services, token.strip())
    return Context(
        caller=principal,
        services=services,
        address=request.remote_addr or "",
        secure=request.is_secure or services.settings.secure,
        request_id=request_id,
    )
