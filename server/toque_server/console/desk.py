"""Who is at the desk: sessions by cookie, forms by token and origin (S16)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from toque_server.operations import identity, registry
from toque_server.operations.context import Context, Services
from toque_server.operations.errors import AccessDeniedException, NotAuthenticated

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN = frozenset({"console.static", "console.sign_in", "console.signing_in"})
# Asked for by an open page, not by a person: they must not keep a session alive that nobody uses.
_BACKGROUND = frozenset({"console.events", "console.facts", "console.log_piece"})
REFRESH = "Toque-Refresh"
"""The header with which an open page takes itself anew."""


class Refused(AccessDeniedException):
    """A form that was not ours, or came too late; the message says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__("", "")
        self.message = message


class Desk:
    """Knows who asks. Before each page `admit` fills `g.user` and `g.csrf`, or sends away to sign in."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.secure = services.settings.secure
        self.cookie = "__Host-toque_session" if self.secure else "toque_session"
        self._key = services.keys.derive("console sign-in")

    def admit(self) -> AnyResponse | None:
        """Before every request: the session, then the form's token and origin."""
        g.user, g.csrf = None, ""
        if request.endpoint == "console.static":
            return None
        if request.endpoint in _OPEN:
            # Nobody yet: a random cookie ties the form to this browser. Signing in puts the session in its place.
            g.visitor = request.cookies.get(self.cookie) or secrets.token_urlsafe(32)
            g.csrf = self._visitor_token(g.visitor)
        else:
            try:
                session = self.session()
            except NotAuthenticated:
                return self._send_to_sign_in()
            g.user, g.csrf, g.caller = session.user, session.csrf, identity.principal_of(session.user)
        if request.method not in _SAFE:
            self._check_form()
        return None

    def session(self) -> identity.Session:
        """The session of this request's cookie. Raises NotAuthenticated."""
        found = request.cookies.get(self.cookie)
        if not found:
            raise NotAuthenticated("NotAuthenticated", "please sign in")
        by_itself = request.endpoint in _BACKGROUND or REFRESH in request.headers
        return identity.session_of(self.services, found, keep_alive=not by_itself)

    def context(self) -> Context:
        """For operations, as the user who is signed in."""
        return Context(
            caller=g.caller,
            services=self.services,
            address=request.remote_addr or "",
            secure=request.is_secure or self.services.settings.secure,
        )

    def call(self, operation: str, /, **members: Any) -> dict[str, Any]:
        """Carry out an operation as the user who is signed in. Members that are None are left out."""
        return registry.call(operation, self.context(), {k: v for k, v in members.items() if v is not None})

    def every(self, operation: str, records: str, /, **members: Any) -> list[dict[str, Any]]:
        """The same of an operation that answers in pages: the `records` of all of them."""
        return every(self.call, operation, records, **members)

    def keep(self, answer: Response, value: str) -> None:
        """Give the browser its cookie: for this host alone, for no script, for no other site's forms."""
        answer.set_cookie(self.cookie, value, path="/", secure=self.secure, httponly=True, samesite="Lax")

    def forget(self, answer: Response) -> None:
        answer.delete_cookie(self.cookie, path="/", secure=self.secure, httponly=True, samesite="Lax")

    def _visitor_token(self, visitor: str) -> str:
        return hmac.new(self._key, visitor.encode(), hashlib.sha256).hexdigest()

    def _check_form(self) -> None:
        if not _same_origin(self.services.settings.public_url):
            raise Refused("This form came from another site, and nothing was done. Please use the console's own pages.")
        given = request.form.get("csrf_token", "").encode()
        if not hmac.compare_digest(given, g.csrf.encode()):
            raise Refused("This page was too old, and nothing was done. Please reload it and try again.")

    def _send_to_sign_in(self) -> AnyResponse:
        if request.endpoint in _BACKGROUND:
            return Response("signed out\n", 401, content_type="text/plain")
        wanted = request.full_path.rstrip("?") if request.method in _SAFE else None
        home = url_for("console.stacks")
        return redirect(url_for("console.sign_in", next=wanted if wanted != home else None), 303)


def every(call: Callable[..., dict[str, Any]], operation: str, records: str, /, **members: Any) -> list[dict[str, Any]]:
    """The `records` of all pages of an operation's answer."""
    answer = call(operation, **members)
    found: list[dict[str, Any]] = answer[records]
    while (token := answer.get("NextToken")) is not None:
        answer = call(operation, **members, NextToken=token)
        found += answer[records]
    return found


def _same_origin(public_url: str) -> bool:
    """Whether the browser says that one of our own pages sent this. Silence is no yes."""
    fetched, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if fetched is not None and fetched != "same-origin":
        return False
    if origin is None:
        return fetched == "same-origin"
    ours = {_origin(request.host_url), _origin(public_url)}
    return _origin(origin) in ours


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
