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

from flask import Blueprint, Flask, Response
from werkzeug.middleware.proxy_fix import ProxyFix

from toque_server.domain.instance import Instance
from toque_server.http import api, aws_json, health, logs, metrics
from toque_server.http.node import NodeApp
from toque_server.http.throttle import Throttle
from toque_server.operations import registry
from toque_server.operations.context import Services
from toque_server.operations.rekey import Rekeying
from toque_server.providers import provider_for
from toque_server.reconcile.apply import Overtaken
from toque_server.reconcile.engine import Engine
from toque_server.reconcile.outcome import Outcome
from toque_server.reconcile.services import Services as LoopServices
from toque_server.security import keys
from toque_server.security.envelope import Vault
from toque_server.settings import Settings
from toque_server.store import join_tokens
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

    def drain(self) -> None:
        """Take nothing new: the process is about to end."""

    def stop(self) -> None:
        """Write down what is in memory, give back what is held, end the threads."""


class Nodes(Part, Protocol):
    """The agents' routes: a WSGI callable with threads behind it."""

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
        for part in self._parts:
            part.drain()

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


def create_app(
    services: Services,
    *,
    nodes: Nodes | None = None,
    pages: Sequence[Blueprint] = (),
    parts: Sequence[Part] = (),
) -> App:
    """The server. `nodes`: the agents' routes. `pages`: the console. `parts`: what has threads, the loops above all."""
    registry.load()
    flask = Flask("toque_server", static_folder=None)
    flask.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    flask.secret_key = services.keys.derive("forms")
    flask.json.sort_keys = False  # type: ignore[attr-defined]
    app = App(services, flask, nodes, parts)
    throttle = Throttle()
    for page in (
        aws_json.blueprint(services, throttle),
        api.blueprint(services, throttle),
        health.blueprint(services, app.stopping),
        metrics.blueprint(services),
        *pages,
    ):
        flask.register_blueprint(page)
    flask.after_request(_harden(services.settings))
    if services.settings.behind_proxy:
        flask.wsgi_app = ProxyFix(flask.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return app


def _harden(settings: Settings) -> Callable[[Response], Response]:
    def harden(answer: Response) -> Response:
        answer.headers.setdefault("X-Content-Type-Options", "nosniff")
        if settings.secure:
            answer.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        return answer

    return harden


def build(settings: Settings) -> App:
    """The server as it runs: every piece there is, joined. `start()` it in the process that serves."""
    wakers: list[Callable[[], None]] = []

    def wake() -> None:
        for each in wakers:
            each()

    services = create_services(settings, wake=wake)
    nodes: NodeApp
    loops = LoopServices(
        settings=settings,
        new_id=services.new_id,
        join_token=lambda instance: _join_token(services, instance),
        last_contacts=lambda: nodes.hub.last_contacts(),
    )
    nodes = NodeApp(services, settle=Outcome(loops).settle, transient=(Overtaken,))
    engine = EnginePart(Engine(services.database, partial(provider_for, settings=settings), loops))
    wakers += [nodes.wake, engine.engine.wake]
    return create_app(services, nodes=nodes, pages=[logs.blueprint(services)], parts=[engine, Rekeying(services)])


class EnginePart:
    """The loops as a part of the server."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def start(self) -> None:
        self.engine.start()

    def drain(self) -> None:
        """The loops go on until they are stopped: what they decide is durable at every line."""

    def stop(self) -> None:
        self.engine.stop()


def _join_token(services: Services, instance: Instance) -> str:
    """A token with which the machine that is launched for this instance joins, and no other (security.md 2.5)."""
    with services.database.write() as conn:
        token = join_tokens.issue(
            conn,
            stack_id=instance.stack_id,
            root_fingerprint=services.keys.root_fingerprint,
            at=services.database.now(conn),
            created_by="toque",
            instance_id=instance.id,
        )
    return token.text
