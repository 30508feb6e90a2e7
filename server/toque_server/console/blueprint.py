"""`/console/`: every page, under one set of rules for headers, sessions and errors (S15, S16)."""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState

from toque_server.console import durations, layout, problems
from toque_server.console.assets import Assets
from toque_server.console.desk import Desk
from toque_server.console.pages import (
    commands,
    deployments,
    instances,
    live,
    orders,
    power,
    registered,
    sign_in,
    stacks,
)
from toque_server.console.streams import Streams
from toque_server.operations.context import Services

PREFIX = "/console"

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none';"
    " form-action 'self'"
)
"""No inline script, no inline style, nothing from elsewhere."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    # Not no-referrer: with that a browser sends `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}

FLASH_COOKIE = "toque_notice"


def blueprint(services: Services, stopping: threading.Event) -> Blueprint:
    """The console. `stopping`: set when the process is about to end, so that streams end too."""
    console = Blueprint("console", __name__, url_prefix=PREFIX, template_folder="templates")
    assets = Assets()
    desk = Desk(services)
    console.add_url_rule("/static/<version>/<name>", "static", assets.serve)
    console.before_request(desk.admit)
    for page in (sign_in, stacks, instances, deployments, commands, orders, registered, power):
        page.register(console, desk)
    live.register(console, desk, Streams(most=max(1, services.settings.threads // 2), stopping=stopping))
    problems.register(console, desk)
    console.after_request(_harden)
    console.record_once(_settle(services, assets))
    layout.register(console, desk, assets)
    durations.register(console)
    return console


def _harden(answer: Response) -> Response:
    for name, value in _HEADERS.items():
        answer.headers[name] = value
    if request.endpoint != "console.static":
        answer.headers["Cache-Control"] = "no-store"
    return answer


def _settle(services: Services, assets: Assets) -> Callable[[BlueprintSetupState], None]:
    def settle(state: BlueprintSetupState) -> None:
        """Flask's own cookie carries nothing but the notice for the next page; it is signed."""
        config = state.app.config
        secure = services.settings.secure
        config["SESSION_COOKIE_NAME"] = f"__Host-{FLASH_COOKIE}" if secure else FLASH_COOKIE
        config["SESSION_COOKIE_SECURE"] = secure
        config["SESSION_COOKIE_HTTPONLY"] = True
        config["SESSION_COOKIE_SAMESITE"] = "Lax"
        state.app.jinja_env.trim_blocks = state.app.jinja_env.lstrip_blocks = True

    return settle
