"""Joins the pieces: the only module that knows them all, and nobody imports it but the command line.

    app = create_app(create_services(settings))
    app.start()          # threads: contacts, loops
    app(environ, start_response)
    app.stop()           # written down, lease given back

`/agent/v1/*` goes to the nodes' own WSGI callable, before Flask: polls are nearly all there is. The rest is Flask.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Protocol

from flask import Flask, Response
from werkzeug.middleware.proxy_fix import ProxyFix

from toque_server import console
from toque_server.domain.instance import Instance
from toque_server.http import api, aws_json, health, iam_query, installer, logs, metrics
from toque_server.http.node import NodeApp
from toque_server.http.throttle import Throttle
from toque_server.operations import registry
from toque_server.operations.context import Services
from toque_server.operations.rekey import Rekeying
from toque_server.providers import provider_for
from toque_server.reconcile.engine import Engine
from toque_server.reconcile.outcome import Outcome
from toque_server.reconcile.services import Services as LoopServices
from toque_server.security import keys
from toque_server.security.envelope import Vault
from toque_server.settings import Settings
from toque_server.store import join_tokens
from toque_server.store.actions import Overtaken
from toque_server.store.data_keys import DataKeys
from toque_server.store.database import Database

log = logging.getLogger(__name__)

AGENT_PREFIX = "/agent/v1/"
MAX_BODY = 4 * 1024 * 1024
"""Longest body of a request to Flask's part, in bytes: custom JSON and data bags are what is long."""

StartResponse = Callable[..., Any]


class Part(Protocol):
    """Something with threads of its own."""

    def start(self) -> None: ...

    def stop(self) -> None:
        """Write down what is in memory, give back what is held, end the threads."""


class Nodes(Part, Protocol):
    """The agents' routes: a WSGI callable with threads behind it."""

    def drain(self) -> None:
        """Send agents away: the process is about to end."""

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]: ...


class App:
    """The whole server as one WSGI callable, with a beginning and an end."""

    def __init__(self, services: Services, flask: Flask, nodes: Nodes | None, parts: Sequence[Part]) -> None:
        self.services, self.flask = services, flask
        self.stopping = threading.Event()
        self._nodes = nodes
        self._parts = [*([nodes] if nodes else []), *parts]

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if self._nodes is not None and environ.get("PATH_INFO", "").startswith(AGENT_PREFIX):
            return self._nodes(environ, start_response)
        return self.flask(environ, start_response)

    def start(self) -> None:
        for part in self._parts:
            part.start()

    def drain(self) -> None:
        """Not ready any more; what comes is still answered (R26)."""
        self.stopping.set()
        if self._nodes is not None:
            self._nodes.drain()

    def stop(self) -> None:
        """End every part, the last started first, and close the database."""
        self.drain()
        for part in reversed(self._parts):
            part.stop()
        self.services.database.close()


def create_services(settings: Settings, *, wake: Callable[[], None] | None = None) -> Services:
    """What operations stand on. Raises BadKeys; touches no network, and the database only when asked something."""
    directory = settings.data_dir / "keys"
    database = Database(settings.database, on_commit=wake)
    vault = Vault(keys.load_master(directory), DataKeys(database), masters=lambda: keys.load_masters(directory))
    own = keys.load(directory)
    if wake is None:
        return Services(database=database, settings=settings, vault=vault, keys=own)
    return Services(database=database, settings=settings, vault=vault, keys=own, wake=wake)


def create_app(services: Services, *, nodes: Nodes | None = None, parts: Sequence[Part] = ()) -> App:
    """The server. `nodes`: the agents' routes. `parts`: what has threads, the loops above all."""
    registry.load()
    flask = Flask("toque_server", static_folder=None)
    flask.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    flask.secret_key = services.keys.derive("forms")
    flask.json.sort_keys = False  # type: ignore[attr-defined]
    app = App(services, flask, nodes, parts)
    throttle = Throttle()
    for page in (
        aws_json.blueprint(services, throttle, forms=iam_query.answerer(services, throttle)),
        api.blueprint(services, throttle),
        health.blueprint(services, app.stopping),
        metrics.blueprint(services),
        logs.blueprint(services),
        installer.blueprint(services),
        console.blueprint(services, app.stopping),
    ):
        flask.register_blueprint(page)
    flask.after_request(_harden(services.settings))
    if services.settings.behind_proxy:
        flask.wsgi_app = ProxyFix(flask.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return app


def build(settings: Settings) -> App:
    """The server as it runs: every piece there is, joined. `start()` it in the process that serves."""
    waker = Waker()
    services = create_services(settings, wake=waker)
    loops = LoopServices(
        settings=settings,
        new_id=services.new_id,
        join_token=partial(_join_token, services),
        last_contacts=lambda: nodes.hub.last_contacts(),
    )
    nodes = NodeApp(services, settle=Outcome(loops).settle, transient=(Overtaken,))
    engine = Engine(services.database, partial(provider_for, settings=settings), loops)
    waker.sleepers = (nodes.wake, engine.wake)
    return create_app(services, nodes=nodes, parts=[engine, Rekeying(services)])


class Waker:
    """Tells whoever waits for work that there may be some; before anybody is known it does nothing."""

    sleepers: Sequence[Callable[[], None]] = ()

    def __call__(self) -> None:
        for wake in self.sleepers:
            wake()


def _join_token(services: Services, instance: Instance) -> str:
    """A token with which the machine of this instance may enrol, once."""
    with services.database.write() as conn:
        token = join_tokens.issue(
            conn,
            stack_id=instance.stack_id,
            instance_id=instance.id,
            root_fingerprint=services.keys.root_fingerprint,
            at=services.database.now(conn),
            created_by="toque server",
        )
    return token.text


def _harden(settings: Settings) -> Callable[[Response], Response]:
    def harden(answer: Response) -> Response:
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        if settings.secure:
            answer.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return answer

    return harden
