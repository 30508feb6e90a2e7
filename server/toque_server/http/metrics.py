"""`GET /metrics`: what this server does, and how its fleet is, in Prometheus' words.

Several processes share their counters through files (`count_together`, which `toque server run` calls). What is read
from the database is the same whoever answers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector  # type: ignore[no-untyped-call,unused-ignore]

from toque_server.http.bearer import caller_of
from toque_server.operations.context import Services
from toque_server.operations.errors import OperationError
from toque_server.store import overview

_LOOPBACK = ("127.", "::1")

REQUESTS = Counter("toque_requests", "Requests by wire, operation and answer", ["wire", "operation", "status"])
SECONDS = Histogram(
    "toque_request_seconds",
    "How long requests took",
    ["wire", "operation"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def count_together(folder: Path) -> None:
    """Keep counters in files of this folder, so that any process can tell those of all. Call it before they start."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


@dataclass
class Seen:
    """One request, as it will be counted. `operation` stays empty until it is known to exist."""

    operation: str = ""
    status: int = 500


@contextmanager
def timed(wire: str) -> Iterator[Seen]:
    """Count and time one request of a wire."""
    seen, begun = Seen(), time.perf_counter()
    try:
        yield seen
    finally:
        SECONDS.labels(wire, seen.operation).observe(time.perf_counter() - begun)
        REQUESTS.labels(wire, seen.operation, str(seen.status)).inc()


class Fleet:
    """Gauges that are asked of the database, each time somebody looks."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterable[Metric]:
        with self._services.database.read() as conn:
            now = self._services.database.now(conn).timestamp()
            found = overview.counts(conn)
        instances_now = GaugeMetricFamily("toque_instances", "Instances by status", labels=["status"])
        for status, count in found.instances.items():
            instances_now.add_metric([status], count)
        manifest = self._services.keys.manifest
        yield instances_now
        yield GaugeMetricFamily("toque_stacks", "Stacks", value=found.stacks)
        yield GaugeMetricFamily("toque_commands_open", "Commands without a result", value=found.open_commands)
        yield GaugeMetricFamily(
            "toque_root_manifest_seconds_left",
            "Until the root manifest expires: renew with toque server rotate-key",
            value=manifest.expires_at - now,
        )


def blueprint(services: Services) -> Blueprint:
    """`GET /metrics`: without credentials from this machine, with an API token from elsewhere."""
    page = Blueprint("metrics", __name__)

    @page.get("/metrics")
    def metrics() -> Response:
        local = (request.remote_addr or "").startswith(_LOOPBACK) and not services.settings.behind_proxy
        if not local:
            try:
                caller_of(services)
            except OperationError as error:
                return Response(f"{error.message}\n", status=401, content_type="text/plain")
        registry = CollectorRegistry()
        registry.register(Fleet(services))
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            together = CollectorRegistry()
            MultiProcessCollector(together)  # type: ignore[no-untyped-call]
            counted = generate_latest(together)
        else:
            counted = generate_latest(REGISTRY)
        return Response(counted + generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return page
