"""`GET /healthz`: this process answers. `GET /readyz`: it can do its work, and requests should come here."""

from __future__ import annotations

import threading

from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError

from toque_server.operations.context import Services
from toque_server.store.schema import NewerSchema, OlderSchema


def blueprint(services: Services, stopping: threading.Event) -> Blueprint:
    """`stopping`: set when the process was told to end; it is then not ready, and still answers what comes (R26)."""
    health = Blueprint("health", __name__)

    @health.get("/healthz")
    def healthz() -> Response:
        return _said("ok", 200)

    @health.get("/readyz")
    def readyz() -> Response:
        if stopping.is_set():
            return _said("stopping", 503)
        try:
            services.database.check_schema()
        except (NewerSchema, OlderSchema) as error:
            return _said(str(error), 503)
        except SQLAlchemyError:
            return _said("the database does not answer", 503)
        return _said("ready", 200)

    return health


def _said(text: str, status: int) -> Response:
    return Response(f"{text}\n", status=status, content_type="text/plain; charset=utf-8")
